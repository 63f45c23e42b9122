/** One message: words, files, a keyboard or contacts, with who said it, what it answers and whether it was read. */
import { Check, CheckCheck, Pencil, Reply, ThumbsDown, ThumbsUp, Trash2 } from 'lucide';
import { useSignal } from '@preact/signals';
import { Icon } from '../../shared/icon.tsx';
import { clockTime, dateAndTime } from '../../shared/time.ts';
import { deleteMessage } from '../actions.ts';
import { useStore } from '../store.ts';
import { filesOf, messageSummary } from '../summary.ts';
import { type Chat, isFromVisitor, type Message } from '../wire.ts';
import { callVisitor, language, words } from '../words.ts';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { FileView } from './file-view.tsx';
import { LinkedText } from '../../shared/linked-text.tsx';

export interface MessageViewProps {
  readonly message: Message;
  readonly chat: Chat;
  /** Of this author: shows his name. */
  readonly isFirst: boolean;
}

const ANSWERABLE = ['visitor', 'file_visitor', 'operator', 'file_operator'];

export function MessageView({ message, chat, isFirst }: MessageViewProps) {
  const { pickedMessage } = useStore();
  if (message.kind === 'info') return <p class="info muted">{message.text}</p>;
  const side = isFromVisitor(message) ? 'theirs' : message.kind === 'for_operator' ? 'mine note' : 'mine';
  const isPicked = pickedMessage.value === message.id;
  return (
    <article id={`message-${message.id}`} class={`message ${side}${isFirst ? ' first' : ''}${isPicked ? ' picked' : ''}`}>
      {isFirst && <Author message={message} chat={chat} />}
      <div class="bubble" onClick={() => (pickedMessage.value = isPicked ? null : message.id)}>
        <QuoteView message={message} chat={chat} />
        {message.deleted ? <p class="muted">{words.deleted}</p> : <Content message={message} />}
        <Marks message={message} chat={chat} />
      </div>
      {!message.deleted && <MessageActions message={message} chat={chat} />}
    </article>
  );
}

function Author({ message, chat }: Pick<MessageViewProps, 'message' | 'chat'>) {
  const store = useStore();
  const name = isFromVisitor(message) ? callVisitor(chat.visitor) : message.authorId === store.state.value.myId ? words.you : message.name;
  return (
    <p class="author">
      {name}
      {message.kind === 'for_operator' && <span class="note-label"> · {words.note}</span>}
    </p>
  );
}

function Content({ message }: { readonly message: Message }) {
  switch (message.kind) {
    case 'file_visitor':
    case 'file_operator':
      return <Files message={message} />;
    case 'for_operator':
      return filesOf(message).length > 0 ? <Files message={message} /> : <Words text={message.text} />;
    case 'keyboard':
      return <Keyboard message={message} />;
    case 'contacts':
      return <Contacts message={message} />;
    case 'sticker_visitor':
    case 'cont_req':
      return <p class="muted">{messageSummary(message)}</p>;
    default:
      return <Words text={message.text} />;
  }
}

function Words({ text }: { readonly text: string }) {
  return (
    <p class="words" dir="auto">
      <LinkedText text={text} />
    </p>
  );
}

function Files({ message }: { readonly message: Message }) {
  const files = filesOf(message);
  if (files.length === 0) return <p>{words.file}</p>;
  return (
    <>
      {files.map(file => (
        <FileView key={file.guid} file={file} />
      ))}
    </>
  );
}

interface KeyboardData {
  readonly state: string;
  readonly buttons: readonly (readonly { readonly id: string; readonly text: string }[])[];
  readonly response?: { readonly buttonId: string };
}

function Keyboard({ message }: { readonly message: Message }) {
  const { buttons, response, state } = message.data as KeyboardData;
  return (
    <>
      <p class="words">
        <LinkedText text={message.text} />
      </p>
      <div class="keyboard">
        {buttons.map((row, i) => (
          <div key={i}>
            {row.map(button => (
              <span key={button.id} class={button.id === response?.buttonId ? 'chosen' : ''}>
                {button.id === response?.buttonId && <Icon of={Check} size="1em" />} {button.text}
              </span>
            ))}
          </div>
        ))}
      </div>
      {state === 'pending' && <p class="muted small">{words.pendingKeyboard}</p>}
    </>
  );
}

function Contacts({ message }: { readonly message: Message }) {
  const fields = Object.entries((message.data ?? {}) as Readonly<Record<string, unknown>>).filter(([, value]) => typeof value === 'string');
  return (
    <>
      <p class="muted small">{words.contacts}</p>
      <dl class="contacts">
        {fields.map(([name, value]) => (
          <div key={name}>
            <dt>{words.fields[name] ?? name}</dt>
            <dd>{String(value)}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function QuoteView({ message: { quote }, chat }: Pick<MessageViewProps, 'message' | 'chat'>) {
  if (quote === null) return null;
  if (quote.message === null) return <p class="quote muted">{words.quoteGone}</p>;
  const { id } = quote.message;
  const name = isFromVisitor(quote.message) ? callVisitor(chat.visitor) : quote.message.name;
  return (
    <button
      type="button"
      class="quote"
      onClick={() => document.getElementById(`message-${id}`)?.scrollIntoView({ block: 'center', behavior: 'smooth' })}
    >
      <b>{name}</b>
      <span>{messageSummary(quote.message)}</span>
    </button>
  );
}

function Marks({ message, chat }: Pick<MessageViewProps, 'message' | 'chat'>) {
  const isOut = !isFromVisitor(message) && message.kind !== 'for_operator';
  const isRead = chat.readByVisitor || (chat.unreadByVisitorSinceTs !== null && message.ts < chat.unreadByVisitorSinceTs);
  return (
    <p class="marks">
      {message.reaction !== null && (
        <span title={words.reactions[message.reaction]}>
          <Icon of={message.reaction === 'like' ? ThumbsUp : ThumbsDown} size="1rem" />
          <span class="visually-hidden">{words.reactions[message.reaction]}</span>
        </span>
      )}
      {message.edited && !message.deleted && <span>{words.edited}</span>}
      <time title={dateAndTime(message.ts, language)}>{clockTime(message.ts, language)}</time>
      {isOut && (
        <span class={isRead ? 'is-read' : ''} title={isRead ? words.read : words.sent}>
          <Icon of={isRead ? CheckCheck : Check} size="1rem" />
          <span class="visually-hidden">{isRead ? words.read : words.sent}</span>
        </span>
      )}
    </p>
  );
}

function MessageActions({ message, chat }: Pick<MessageViewProps, 'message' | 'chat'>) {
  const store = useStore();
  const asks = useSignal(false);
  if (!store.isMine.value) return null;
  const isOwn = message.authorId === store.state.value.myId && (message.kind === 'operator' || message.kind === 'for_operator');
  const hasWords = isOwn && filesOf(message).length === 0;
  return (
    <div class="message-actions">
      {ANSWERABLE.includes(message.kind) && (
        <button
          type="button"
          aria-label={words.reply}
          title={words.reply}
          onClick={() => (store.composing.value = { kind: 'reply', message })}
        >
          <Icon of={Reply} size="1rem" />
        </button>
      )}
      {hasWords && (
        <button
          type="button"
          aria-label={words.edit}
          title={words.edit}
          onClick={() => (store.composing.value = { kind: 'edit', message })}
        >
          <Icon of={Pencil} size="1rem" />
        </button>
      )}
      {isOwn && (
        <button type="button" aria-label={words.delete} title={words.delete} onClick={() => (asks.value = true)}>
          <Icon of={Trash2} size="1rem" />
        </button>
      )}
      {asks.value && (
        <ConfirmDialog
          title={words.delete}
          text={words.confirmDelete}
          button={words.delete}
          onClose={() => (asks.value = false)}
          onYes={() => void deleteMessage(chat.id, message)}
        />
      )}
    </div>
  );
}
