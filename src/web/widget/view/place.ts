import { site } from '../site.ts';

/** Where a popover stands: under or over its button, inside the window. (Not every browser of our visitors anchors by CSS.) */

const GAP = 6;
const EDGE = 8;

export function placeBeside(popover: HTMLElement, button: Element): void {
  const { left, right, top, bottom } = button.getBoundingClientRect();
  const { width, height } = popover.getBoundingClientRect();
  const isUnder = bottom + GAP + height + EDGE <= site.innerHeight;
  // To the side where there is more room.
  const wanted = left + right > site.innerWidth ? right - width : left;
  popover.style.left = `${Math.max(EDGE, Math.min(wanted, site.innerWidth - width - EDGE))}px`;
  popover.style.top = `${Math.max(EDGE, isUnder ? bottom + GAP : top - GAP - height)}px`;
}
