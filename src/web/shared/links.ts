/** A text in parts: those with `href` are web addresses. No other kind of address becomes a link. */
export interface TextPart {
  readonly text: string;
  readonly href?: string;
}

/** Chinese puts no blank behind an address: its marks end it. */
const ADDRESS = /https?:\/\/[^\s<>"'`，。、；：！？（）【】《》「」“”]+/gi;
/** Belong to the sentence at the end of an address. */
const TRAILING = '.,;:!?)]}»’';

export function splitLinks(text: string): readonly TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    const address = withoutTrailing(found);
    if (!URL.canParse(address)) continue;
    if (index > end) parts.push({ text: text.slice(end, index) });
    parts.push({ text: address, href: new URL(address).href });
    end = index + address.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end) });
  return parts;
}

/** From behind: a pattern would look at a long row of points from each of them. */
function withoutTrailing(found: string): string {
  let end = found.length;
  while (end > 0 && TRAILING.includes(found.charAt(end - 1))) end -= 1;
  return found.slice(0, end);
}
