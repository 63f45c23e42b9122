/** The middle: the chosen chat with its headline, its messages and, if it is his, the composer. Files may be dropped anywhere on it. */
import { useSignal } from '@preact/signals';
import { Inbox } from 'lucide';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from '../../shared/icon.tsx';
import { inviteVisitor, takeChat } from '../actions.ts';
import { goTo } from '../route.ts';
import { useStore } from '../store.ts';
import { type Chat, isClosed } from '../wire.ts';
import { callVisitor, fill, words } from '../words.ts';
import { ChatHeader } from './chat-header.tsx';
import { Composer } from './composer.tsx';
import { MessageLog } from './message-log.tsx';
import { UploadList } from './upload-list.tsx';

export function ChatPane() {
  const store = useStore();
  const pane = useRef<HTMLElement>(null);
  const dropping = useSignal(false);
  const chat = store.selected.value;
  const mayWrite = store.isMine.value || store.isAssignedToMe.value;

  // Who chooses a chat wants to write, or to read; a telephone's keyboard would cover what he wants to read.
  useEffect(() => {
    if (chat === undefined || document.activeElement?.matches('input, select') === true) return; // busy elsewhere
    const composer = matchMedia('(pointer: fine)').matches ? pane.current?.querySelector<HTMLElement>('textarea') : null;
    (composer ?? pane.current?.querySelector<HTMLElement>('.log'))?.focus({ preventScroll: true });
  }, [chat?.id, mayWrite]);

  if (chat === undefined) {
    return (
      <section class="pane empty" aria-label={words.chatPane}>
        <Icon of={Inbox} size="2.5rem" />
        <p>{words.noChat}</p>
        <p class="muted">{words.noChatHint}</p>
        <button type="button" class="only-narrow" onClick={() => goTo(null)}>
          {words.back}
        </button>
      </section>
    );
  }
  const onDrag = (event: DragEvent): void => {
    if (!mayWrite || event.dataTransfer?.types.includes('Files') !== true) return;
    event.preventDefault();
    dropping.value = event.type === 'dragover';
    if (event.type === 'drop') store.upload(chat.id, event.dataTransfer.files);
  };
  return (
    <section ref={pane} class="pane" aria-label={callVisitor(chat.visitor)} onDragOver={onDrag} onDragLeave={onDrag} onDrop={onDrag}>
      <ChatHeader chat={chat} />
      <MessageLog key={chat.id} chat={chat} />
      <UploadList chatId={chat.id} />
      {mayWrite ? <Composer key={chat.id} chat={chat} /> : <ReadOnly chat={chat} />}
      {dropping.value && <p class="drop-here">{store.writing.value === 'for_operator' ? words.dropNoteHere : words.dropHere}</p>}
    </section>
  );
}

function ReadOnly({ chat }: { readonly chat: Chat }) {
  const store = useStore();
  const isLive = store.state.value.chats.has(chat.id);
  const isFree = isLive && chat.state === 'queue';
  const isOthers = isLive || (chat.operatorId !== null && chat.operatorId !== store.state.value.myId);
  const text = isFree
    ? words.readOnly.queue
    : isClosed(chat)
      ? words.readOnly.closed
      : isOthers
        ? fill(words.readOnly.other, { name: store.nameOfOperator(chat.operatorId) })
        : words.readOnly.gone;
  return (
    <div class="read-only">
      <p>{text}</p>
      {isFree && (
        <button type="button" class="primary" onClick={() => void takeChat(store, chat.id)}>
          {words.take}
        </button>
      )}
      {isClosed(chat) && (
        <button type="button" onClick={() => void inviteVisitor(store, chat.visitor.id)}>
          {words.invite}
        </button>
      )}
    </div>
  );
}
