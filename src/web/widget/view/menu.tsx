/** A button with a menu: a native popover, which closes by itself, walked by the arrow keys. */
import type { IconNode } from 'lucide';
import type { TargetedKeyboardEvent } from 'preact';
import { useId, useRef, useState } from 'preact/hooks';
import { Icon } from '../../shared/icon.tsx';
import { placeBeside } from './place.ts';

export interface MenuItem {
  readonly icon: IconNode;
  readonly label: string;
  readonly run: () => unknown;
}

export function Menu(props: {
  readonly label: string;
  readonly icon: IconNode;
  readonly items: readonly MenuItem[];
  readonly class?: string;
}) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  const [isShown, setShown] = useState(false);

  const choose = (item: MenuItem): void => {
    menu.current?.hidePopover();
    item.run();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class={`icon-button ${props.class ?? ''}`}
        popovertarget={id}
        aria-label={props.label}
        aria-haspopup="menu"
        aria-expanded={isShown}
      >
        <Icon of={props.icon} />
      </button>
      <div
        ref={menu}
        id={id}
        class="menu"
        role="menu"
        popover="auto"
        aria-label={props.label}
        onKeyDown={walk}
        onToggle={event => {
          const isOpening = event.newState === 'open';
          setShown(isOpening);
          if (!isOpening || button.current === null) return;
          placeBeside(event.currentTarget, button.current);
          event.currentTarget.querySelector<HTMLElement>('[role=menuitem]')?.focus();
        }}
      >
        {props.items.map(item => (
          <button type="button" role="menuitem" tabIndex={-1} key={item.label} onClick={() => choose(item)}>
            <Icon of={item.icon} />
            {item.label}
          </button>
        ))}
      </div>
    </>
  );
}

const STEPS: Readonly<Partial<Record<string, number>>> = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };

function walk(event: TargetedKeyboardEvent<HTMLElement>): void {
  const step = STEPS[event.key];
  if (step === undefined) return;
  event.preventDefault();
  const items = [...event.currentTarget.querySelectorAll<HTMLElement>('[role=menuitem]')];
  const now = items.findIndex(item => item.matches(':focus'));
  const next = Number.isFinite(step) ? (now + step + items.length) % items.length : step < 0 ? 0 : items.length - 1;
  items[next]?.focus();
}
