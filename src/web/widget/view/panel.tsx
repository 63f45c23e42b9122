/** The conversation: header, timeline, input. On a phone it covers the page, as a modal dialog. */
import { useSignal } from '@preact/signals';
import type { TargetedDragEvent } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { attach } from '../actions.ts';
import { Composer } from './composer.tsx';
import { useStore } from './context.ts';
import { Header } from './header.tsx';
import { isOfInputMethod } from '../../shared/input-method.ts';
import { asArray, ofDocument, site } from '../site.ts';
import { LiveRegion } from './live-region.tsx';
import { StateLine } from './state-line.tsx';
import { Timeline } from './timeline.tsx';

export const PHONE = '(max-width: 480px), (max-height: 480px)';

export function Panel({ takesFocus, onClose }: { readonly takesFocus: boolean; readonly onClose: () => void }) {
  const store = useStore();
  const { words, options, notice } = store;
  const panel = useRef<HTMLDialogElement>(null);
  const isDropping = useSignal(false);
  const canWrite = store.canWrite.value;

  useLayoutEffect(() => {
    const dialog = panel.current;
    if (dialog === null) return undefined;
    if (site.matchMedia(PHONE).matches) dialog.showModal();
    else dialog.setAttribute('open', ''); // `show()` would take the focus from the site
    return () => dialog.close();
  }, []);
  useEffect(() => {
    if (takesFocus && isFocusFree()) focusInput(panel.current);
  }, [takesFocus, canWrite]);
  useEffect(() => followKeyboard(panel.current), []);

  const drop = (event: TargetedDragEvent<HTMLElement>): void => {
    event.preventDefault();
    isDropping.value = false;
    const files = asArray(event.dataTransfer?.files);
    if (canWrite && files.length > 0) attach(store, files);
  };
  return (
    <dialog
      ref={panel}
      class={takesFocus ? 'panel rises' : 'panel'}
      tabIndex={-1}
      lang={options.language}
      aria-label={options.title ?? words.title}
      onKeyDown={event => {
        if (event.key === 'Escape' && !isOfInputMethod(event) && !hasLayerOver(event.currentTarget)) {
          event.preventDefault();
          onClose();
        }
      }}
      onCancel={event => {
        if (event.target !== event.currentTarget) return;
        event.preventDefault();
        onClose();
      }}
      onDragOver={event => {
        event.preventDefault();
        isDropping.value = canWrite;
      }}
      onDragLeave={event => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) isDropping.value = false;
      }}
      onDrop={drop}
    >
      <Header onClose={onClose} />
      <StateLine />
      <Timeline />
      {notice.value !== undefined && <p class={notice.value.isBad ? 'notice is-bad' : 'notice'}>{notice.value.text}</p>}
      {canWrite && <Composer />}
      {isDropping.value && <div class="drop-zone">{words.dropHere}</div>}
      <LiveRegion />
    </dialog>
  );
}

/** A menu or a dialog, which Escape closes first. */
function hasLayerOver(panel: Element): boolean {
  return panel.querySelector(':popover-open, dialog[open]') !== null;
}

/** Nothing of the site's own has it. */
function isFocusFree(): boolean {
  const activeElement = ofDocument('activeElement');
  return activeElement === null || activeElement === ofDocument('body') || activeElement.localName === 'tandem-chat';
}

/** On a phone the input would bring up the keyboard, over what is to be read first. */
function focusInput(panel: HTMLElement | null): void {
  const input = site.matchMedia('(pointer: coarse)').matches
    ? null
    : panel?.querySelector<HTMLElement>('textarea, form input, form select');
  (input ?? panel)?.focus();
}

/** The keyboard of a phone covers the page without making it smaller; the panel keeps to what is left. */
function followKeyboard(panel: HTMLElement | null): (() => void) | undefined {
  const { visualViewport } = site;
  if (panel === null || visualViewport === null) return undefined;
  const follow = (): void => {
    panel.style.setProperty('--visible-height', `${visualViewport.height}px`);
    panel.style.setProperty('--visible-top', `${visualViewport.offsetTop}px`);
  };
  follow();
  visualViewport.addEventListener('resize', follow);
  visualViewport.addEventListener('scroll', follow);
  return () => {
    visualViewport.removeEventListener('resize', follow);
    visualViewport.removeEventListener('scroll', follow);
  };
}
