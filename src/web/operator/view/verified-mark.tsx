/** Stands behind what the customer's site has signed of a visitor. What is not marked the visitor has told, and may be anybody's words. */
import { BadgeCheck } from 'lucide';
import { Icon } from '../../shared/icon.tsx';
import { isNameVerified } from '../visitor-name.ts';
import type { Visitor } from '../wire.ts';
import { callVisitor, words } from '../words.ts';

export function VerifiedMark() {
  return (
    <span class="verified" title={words.verified}>
      <Icon of={BadgeCheck} size="1em" />
      <span class="visually-hidden">{words.verified}</span>
    </span>
  );
}

/** How the visitor is called, and whether that is certain. */
export function VisitorName({ visitor }: { readonly visitor: Visitor }) {
  return (
    <>
      {callVisitor(visitor)}
      {isNameVerified(visitor) && <VerifiedMark />}
    </>
  );
}
