/** A menu that opens below its button: native details, closed by Esc, by a choice and by leaving it. */
import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';

export interface MenuProps {
  readonly label: string;
  readonly button: ComponentChildren;
  /** Buttons close it; what is not to close it has data-stay. */
  readonly children: ComponentChildren;
}

export function Menu({ label, button, children }: MenuProps) {
  const menu = useRef<HTMLDetailsElement>(null);
  const close = (): void => {
    if (menu.current !== null) menu.current.open = false;
  };
  return (
    <details
      ref={menu}
      class="menu"
      onFocusOut={event => {
        if (event.relatedTarget instanceof Node && !event.currentTarget.contains(event.relatedTarget)) close();
      }}
      onKeyDown={event => {
        if (event.key !== 'Escape' || menu.current?.open !== true) return;
        event.preventDefault();
        close();
        menu.current.querySelector('summary')?.focus();
      }}
      onToggle={event => {
        if (!event.currentTarget.open) return;
        const leave = (pressed: PointerEvent): void => {
          if (menu.current?.contains(pressed.target as Node) === true) return;
          removeEventListener('pointerdown', leave, true);
          close();
        };
        addEventListener('pointerdown', leave, true);
      }}
    >
      <summary aria-label={label} title={label}>
        {button}
      </summary>
      <div
        class="menu-items"
        onClick={event => {
          if (event.target instanceof Element && event.target.closest('button') !== null) close();
        }}
      >
        {children}
      </div>
    </details>
  );
}
