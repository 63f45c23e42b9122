/** The input: text, emoji, files. Enter sends, with Shift it is a new line; where there is no real keyboard the button sends. */
import { Check, Paperclip, SendHorizontal, X } from 'lucide';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { Icon } from '../../shared/icon.tsx';
import { attach, changeDraft, endPurpose, sendDraft } from '../actions.ts';
import { asArray, site } from '../site.ts';
import { useStore } from './context.ts';
import { EmojiPicker } from './emoji-picker.tsx';
import { isOfInputMethod } from '../../shared/input-method.ts';

export function Composer() {
  const store = useStore();
  const { words, draft, purpose } = store;
  const input = useRef<HTMLTextAreaElement>(null);
  const chooser = useRef<HTMLInputElement>(null);
  const isEmpty = draft.value.trim() === '';
  const isEdit = purpose.value.is === 'edit';
  useEffect(() => {
    if (purpose.value.is !== 'new') input.current?.focus();
  }, [purpose.value]);

  useLayoutEffect(() => growByHand(input.current), [draft.value]);

  const insert = (text: string): void => {
    const element = input.current;
    if (element === null) return;
    element.setRangeText(text, element.selectionStart, element.selectionEnd, 'end');
    changeDraft(store, element.value);
    element.focus();
  };
  return (
    <div class="composer">
      <PurposeLine />
      <div class="composer-row">
        <textarea
          ref={input}
          rows={1}
          dir="auto"
          aria-label={words.yourMessage}
          placeholder={words.yourMessage}
          maxLength={20_000}
          value={draft.value}
          onInput={event => changeDraft(store, event.currentTarget.value)}
          onKeyDown={event => {
            if (isOfInputMethod(event)) return;
            if (event.key === 'Escape' && purpose.value.is !== 'new') {
              event.stopPropagation();
              endPurpose(store);
            }
            if (event.key !== 'Enter' || event.shiftKey || site.matchMedia('(pointer: coarse)').matches) return;
            event.preventDefault();
            sendDraft(store);
          }}
          onPaste={event => {
            const files = asArray(event.clipboardData?.files);
            if (files.length === 0) return;
            event.preventDefault();
            attach(store, files);
          }}
        />
        <EmojiPicker onPick={insert} />
        {!isEdit && (
          <button type="button" class="icon-button" aria-label={words.attach} onClick={() => chooser.current?.click()}>
            <Icon of={Paperclip} />
          </button>
        )}
        <input
          ref={chooser}
          type="file"
          multiple
          hidden
          aria-label={words.attach}
          onChange={event => {
            attach(store, asArray(event.currentTarget.files));
            event.currentTarget.value = '';
          }}
        />
        <button
          type="button"
          class="icon-button send"
          aria-label={isEdit ? words.save : words.send}
          disabled={isEmpty}
          onClick={() => {
            sendDraft(store);
            input.current?.focus();
          }}
        >
          <Icon of={isEdit ? Check : SendHorizontal} />
        </button>
      </div>
    </div>
  );
}

/** What is replied to or edited, and the way out of it. */
function PurposeLine() {
  const store = useStore();
  const { words } = store;
  const purpose = store.purpose.value;
  if (purpose.is === 'new') return null;
  const { message } = purpose;
  return (
    <div class="purpose">
      <div>
        <b>{purpose.is === 'edit' ? words.editing : words.replyTo(message.name === '' ? words.you : message.name)}</b>
        <span>{words.shortTextOf(message)}</span>
      </div>
      <button type="button" class="icon-button" aria-label={words.cancel} onClick={() => endPurpose(store)}>
        <Icon of={X} />
      </button>
    </div>
  );
}

/** As high as its text, where the browser does not do it itself. */
function growByHand(input: HTMLTextAreaElement | null): void {
  if (input === null || CSS.supports('field-sizing', 'content')) return;
  input.style.height = 'auto';
  input.style.height = `${input.scrollHeight}px`;
}
