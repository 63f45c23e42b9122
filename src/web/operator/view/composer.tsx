/** Where the operator writes: an answer, a note to colleagues, or another wording of what he said. What is not sent is kept. */
import { batch, effect, useSignal } from '@preact/signals';
import { MessageSquareText, Paperclip, SendHorizontal, StickyNote, X } from 'lucide';
import { useEffect, useId, useLayoutEffect, useRef } from 'preact/hooks';
import { Icon } from '../../shared/icon.tsx';
import { editMessage, toggleNotes } from '../actions.ts';
import { useStore } from '../store.ts';
import { messageSummary } from '../summary.ts';
import { draftKey } from '../drafts.ts';
import { isOfInputMethod } from '../../shared/input-method.ts';
import { TypingTeller } from '../typing-teller.ts';
import { type Chat, isFromVisitor } from '../wire.ts';
import { callVisitor, count, fill, words } from '../words.ts';
import { CannedList, optionId, useCanned } from './canned-list.tsx';

/** From here on the limit is in sight. */
const NEAR_LIMIT = 200;

export function Composer({ chat }: { readonly chat: Chat }) {
  const store = useStore();
  const id = useId();
  const field = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  // What the words in the field were written as. It comes and goes with them, so that they leave as nothing else.
  const kind = useSignal(store.writing.value);
  const text = useSignal(store.drafts.read(draftKey(chat.id, kind.value)));
  const composing = store.composing.value;
  const isNote = kind.value === 'for_operator';
  const left = store.state.value.limits.maxMessageLength - text.value.length;
  const mayUseCanned = !isNote && composing?.kind !== 'edit';
  const canned = useCanned(text, mayUseCanned, chat, answer => {
    change(answer);
    field.current?.focus();
  });
  const teller = useTypingTeller(chat.id);

  // Another thing to write about: its words come in, and the focus.
  // At once, not with the next frame: whatever is pressed next must meet the words and the kind that belong together.
  useLayoutEffect(
    () =>
      effect(() => {
        const about = store.composing.value;
        const writing = store.writing.value;
        batch(() => {
          kind.value = writing;
          text.value = about?.kind === 'edit' ? about.message.text : store.drafts.read(draftKey(chat.id, writing));
        });
        if (about !== null) field.current?.focus();
      }),
    [store, chat.id, kind, text],
  );
  useEffect(
    () => () => {
      store.composing.value = null;
      store.noteMode.value = false;
    },
    [store],
  );

  function change(value: string): void {
    text.value = value;
    if (store.composing.value?.kind === 'edit') return;
    store.drafts.write(draftKey(chat.id, kind.value), value);
    if (kind.value === 'for_operator' || value === '' || value.startsWith('/')) teller.stop();
    else teller.typed();
  }

  async function send(): Promise<void> {
    const words = text.value.trim();
    const composing = store.composing.value;
    if (words === '' || left < 0) return;
    if (composing?.kind === 'edit') {
      if (words !== composing.message.text && !(await editMessage(chat.id, composing.message, words))) return;
    } else {
      const quote = composing?.message ?? null;
      store.outbox.send({ chatId: chat.id, text: words, kind: kind.value, quote });
      store.drafts.write(draftKey(chat.id, kind.value), '');
      teller.stop();
      text.value = '';
    }
    store.composing.value = null;
  }

  const onKeyDown = (event: KeyboardEvent): void => {
    if (isOfInputMethod(event) || canned.onKeyDown(event)) return;
    if (event.key === 'Enter' && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      void send();
    } else if (event.key === 'Escape' && composing !== null) {
      event.preventDefault();
      store.composing.value = null;
    }
  };
  const upload = (files: FileList | null | undefined): void => {
    if (files !== null && files !== undefined) store.upload(chat.id, files);
  };
  const popup = canned.isOpen
    ? {
        role: 'combobox' as 'textbox', // a text field that offers a list: what the types of the DOM do not foresee
        'aria-expanded': true,
        'aria-controls': `${id}-canned`,
        ...(canned.active === undefined ? {} : { 'aria-activedescendant': optionId(`${id}-canned`, canned.active.id) }),
      }
    : {};

  return (
    <form
      class={isNote ? 'composer note' : 'composer'}
      onSubmit={event => {
        event.preventDefault();
        void send();
      }}
    >
      {canned.isOpen && <CannedList id={`${id}-canned`} canned={canned} />}
      {composing !== null && (
        <p class="composing">
          <span>
            <b>
              {composing.kind === 'edit'
                ? words.editing
                : fill(words.replyingTo, { name: isFromVisitor(composing.message) ? callVisitor(chat.visitor) : composing.message.name })}
            </b>{' '}
            {messageSummary(composing.message)}
          </span>
          <button type="button" class="quiet" aria-label={words.cancel} title={words.cancel} onClick={() => (store.composing.value = null)}>
            <Icon of={X} size="1rem" />
          </button>
        </p>
      )}
      <textarea
        ref={field}
        {...popup}
        rows={1}
        dir="auto"
        aria-label={isNote ? words.composerNote : words.composer}
        aria-describedby={`${id}-limit`}
        aria-invalid={left < 0}
        aria-autocomplete="list"
        placeholder={isNote ? words.placeholderNote : words.placeholder}
        value={text.value}
        onInput={event => change(event.currentTarget.value)}
        onKeyDown={onKeyDown}
        onPaste={event => {
          const files = event.clipboardData?.files;
          if (files === undefined || files.length === 0) return;
          event.preventDefault();
          upload(files);
        }}
      />
      <div class="composer-bar">
        <button type="button" class="quiet" aria-label={words.attach} title={words.attach} onClick={() => picker.current?.click()}>
          <Icon of={Paperclip} />
        </button>
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          aria-label={words.attach}
          onChange={event => {
            upload(event.currentTarget.files);
            event.currentTarget.value = '';
          }}
        />
        <button
          type="button"
          class="quiet"
          aria-label={words.asNote}
          aria-pressed={isNote}
          title={isNote ? words.asAnswer : words.asNote}
          disabled={composing !== null}
          onClick={() => {
            toggleNotes(store);
            field.current?.focus();
          }}
        >
          <Icon of={StickyNote} />
        </button>
        <button
          type="button"
          class="quiet"
          aria-label={words.cannedManage}
          title={words.cannedManage}
          onClick={() => (store.dialog.value = 'canned')}
        >
          <Icon of={MessageSquareText} />
        </button>
        <span id={`${id}-limit`} class={left < 0 ? 'limit over' : 'limit'}>
          {left < 0 ? count(-left, words.charactersOver) : left <= NEAR_LIMIT ? count(left, words.charactersLeft) : ''}
        </span>
        <button class="primary send" aria-label={words.send} title={words.send} disabled={text.value.trim() === '' || left < 0}>
          <Icon of={SendHorizontal} />
        </button>
      </div>
    </form>
  );
}

function useTypingTeller(chatId: number): TypingTeller {
  const store = useStore();
  const teller = useRef<TypingTeller | null>(null);
  teller.current ??= new TypingTeller(typing => store.link.tell('chat.typing', { chatId, typing }));
  useEffect(() => () => teller.current?.stop(), []);
  return teller.current;
}
