/** A visitor's coloured disc: the colour stays his, the letters are of his name. */
import { User } from 'lucide';
import { Icon } from '../../shared/icon.tsx';
import { colourOf, initialsOf } from '../visitor-name.ts';
import type { Visitor } from '../wire.ts';

export function Avatar({ visitor }: { readonly visitor: Visitor }) {
  const initials = initialsOf(visitor);
  return (
    <span class={`avatar colour-${colourOf(visitor)}`} aria-hidden="true">
      {initials === '' ? <Icon of={User} /> : initials}
    </span>
  );
}
