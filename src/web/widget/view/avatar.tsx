/** A picture of somebody, or the first letter of his name. */
import { useState } from 'preact/hooks';
import { useStore } from './context.ts';

export function Avatar({ name, path }: { readonly name: string; readonly path: string | null }) {
  const { options } = useStore();
  const [isBroken, setBroken] = useState(false);
  const url = path === null || path === '' ? undefined : new URL(path, options.server);
  return (
    <span class="avatar" aria-hidden="true">
      {url?.protocol.startsWith('http') === true && !isBroken ? (
        <img src={url.href} alt="" onError={() => setBroken(true)} />
      ) : (
        firstLetter(name)
      )}
    </span>
  );
}

/** A whole one, also where it takes two units of text. */
function firstLetter(name: string): string {
  const first = name.trim().codePointAt(0);
  return first === undefined ? '' : String.fromCodePoint(first).toUpperCase();
}
