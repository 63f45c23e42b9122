/** Somebody's words: text, and addresses of the web in it as links. */
import type { ComponentChild } from 'preact';

const ADDRESS = /https?:\/\/[^\s<>"']+/gi;
/** Belongs to the sentence, not to the address. */
const TRAILING = /[.,;:!?)\]}»”’]+$/;

export function LinkedText({ text }: { readonly text: string }) {
  return <>{splitLinks(text)}</>;
}

function splitLinks(text: string): ComponentChild[] {
  const parts: ComponentChild[] = [];
  let end = 0;
  for (const found of text.matchAll(ADDRESS)) {
    const address = found[0].replace(TRAILING, '');
    if (!URL.canParse(address)) continue;
    parts.push(
      text.slice(end, found.index),
      <a href={address} target="_blank" rel="noopener noreferrer nofollow">
        {address}
      </a>,
    );
    end = found.index + address.length;
  }
  return [...parts, text.slice(end)];
}
