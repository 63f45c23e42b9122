/**
 * Does this key belong to an input method (Pinyin, Kana)? Its Enter and Esc are not the page's. WebKit ends the composition
 * before it tells of the key, and marks it by nothing but the old code.
 */
export function isOfInputMethod(event: KeyboardEvent): boolean {
  return event.isComposing || Reflect.get(event, 'keyCode') === 229;
}
