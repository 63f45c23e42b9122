/** A native modal dialog with a headline; Esc, the cross and a click beside it close it, and the focus goes back by itself. */
import { X } from 'lucide';
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { Icon } from '../../shared/icon.tsx';
import { words } from '../words.ts';
import { Toasts } from './toasts.tsx';

export interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  readonly size?: 'narrow' | 'wide';
}

export function Dialog({ title, onClose, children, size = 'narrow' }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const isGone = useRef(false);
  const id = useId();
  useLayoutEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => {
      isGone.current = true;
      shown?.close(); // gives the focus back
    };
  }, []);

  return (
    <dialog
      ref={dialog}
      class={`dialog ${size}`}
      aria-labelledby={id}
      onClose={() => !isGone.current && onClose()} // the event of `close` comes later, when another dialog may be open
      onKeyDown={event => {
        if (event.key !== 'Escape' || event.isComposing) return; // at once, also from a field that Esc would only empty
        event.preventDefault();
        onClose();
      }}
      onMouseDown={event => event.target === dialog.current && onClose()}
    >
      <div class="dialog-inside">
        <header>
          <h2 id={id}>{title}</h2>
          <button type="button" class="quiet" aria-label={words.close} title={words.close} onClick={onClose}>
            <Icon of={X} />
          </button>
        </header>
        {children}
        <Toasts />
      </div>
    </dialog>
  );
}
