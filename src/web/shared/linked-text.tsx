/** Somebody's words: as text, with its web addresses to be followed. */
import { useMemo } from 'preact/hooks';
import { splitLinks } from './links.ts';

export function LinkedText({ text }: { readonly text: string }) {
  const parts = useMemo(() => splitLinks(text), [text]);
  return (
    <>
      {parts.map(({ text: part, href }, index) =>
        href === undefined ? (
          part
        ) : (
          <a key={index} href={href} target="_blank" rel="noopener noreferrer nofollow">
            {part}
          </a>
        ),
      )}
    </>
  );
}
