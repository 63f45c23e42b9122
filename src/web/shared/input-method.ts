/** Keys of an input method, which makes characters of several of them (Pinyin); for key handlers. */

/**
 * The key is meant for the input method, not for us. Safari ends the composition before it tells of the key that has ended it; only
 * the code 229 says what it was.
 */
export function isOfInputMethod({ isComposing, keyCode }: KeyPress): boolean {
  return isComposing || keyCode === 229;
}

interface KeyPress {
  readonly isComposing: boolean;
  readonly keyCode: number;
}
