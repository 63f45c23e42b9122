/** Cutting texts. Whoever shortens a text does it here, so that no half of a character is left: PostgreSQL and UTF-8 have none. */

/** At most `max` UTF-16 units; a character of two that does not fit goes as a whole. */
export function cutText(text: string, max: number): string {
  if (text.length <= max) return text;
  const last = text.charCodeAt(max - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? max - 1 : max);
}
