/** One message, with what can be done with it. */
import { Check, CheckCheck, Copy, Ellipsis, Pencil, Reply, ThumbsDown, ThumbsUp, Trash2 } from 'lucide';
import { Icon } from '../../shared/icon.tsx';
import { clockTime, dateAndTime } from '../../shared/time.ts';
import { canEdit, canRemove, isInOpenChat, react, removeMessage, startEdit, startReply } from '../actions.ts';
import { site } from '../site.ts';
import { isFile, isFromOperator, isOwn, type Message } from '../wire.ts';
import { Avatar } from './avatar.tsx';
import { ContactForm } from './contact-form.tsx';
import { useStore } from './context.ts';
import { Files } from './files.tsx';
import { KeyboardButtons } from './keyboard-buttons.tsx';
import { Menu, type MenuItem } from './menu.tsx';
import { QuoteBlock } from './quote-block.tsx';
import { LinkedText } from '../../shared/linked-text.tsx';

export function MessageRow({ message, isFirst }: { readonly message: Message; readonly isFirst: boolean }) {
  const { words, options } = useStore();
  const items = useMenuItems(message);
  const own = isOwn(message);
  if (!own && !isFromOperator(message)) return <li class="line">{message.text}</li>;
  return (
    <li class={`row ${own ? 'own' : 'theirs'} ${isFirst ? 'is-first' : ''}`}>
      {!own && (isFirst ? <Avatar name={message.name} path={message.avatar} /> : <span class="avatar is-empty" />)}
      <div class="row-body">
        {isFirst && <span class={own ? 'visually-hidden' : 'author'}>{own ? words.you : message.name}</span>}
        <div class={`bubble ${own ? 'own' : 'theirs'}`}>
          {message.quote !== null && <QuoteBlock quoted={message.quote.message} />}
          <Body message={message} />
          <span class="meta">
            {message.edited && <span>{words.edited}</span>}
            <time dateTime={new Date(message.ts * 1_000).toISOString()} title={dateAndTime(message.ts, options.language)}>
              {clockTime(message.ts, options.language)}
            </time>
            {own && (
              <span class={message.read ? 'mark is-read' : 'mark'} role="img" aria-label={message.read ? words.read : words.sent}>
                <Icon of={message.read ? CheckCheck : Check} size="14px" />
              </span>
            )}
          </span>
          {message.reaction !== null && (
            <span class="reaction" role="img" aria-label={message.reaction === 'like' ? words.like : words.dislike}>
              {message.reaction === 'like' ? '👍' : '👎'}
            </span>
          )}
        </div>
        <KeyboardButtons message={message} />
        <ContactForm message={message} />
      </div>
      {items.length > 0 && <Menu label={words.actions} icon={Ellipsis} items={items} class="row-menu" />}
    </li>
  );
}

function Body({ message }: { readonly message: Message }) {
  const { words } = useStore();
  if (isFile(message)) return <Files message={message} />;
  if (message.kind === 'sticker_visitor') return <p class="text">{words.sticker}</p>;
  if (message.kind === 'contacts')
    return (
      <p class="text" dir="auto">
        <LinkedText text={words.contacts(message.data as Readonly<Record<string, string>>)} />
      </p>
    );
  return (
    <p class="text" dir="auto">
      <LinkedText text={message.kind === 'cont_req' && message.text === '' ? words.contactsIntro : message.text} />
    </p>
  );
}

function useMenuItems(message: Message): MenuItem[] {
  const store = useStore();
  const { words } = store;
  const items: MenuItem[] = [];
  if (!store.canWrite.value) return items;
  if (message.canBeReplied) items.push({ icon: Reply, label: words.reply, run: () => startReply(store, message) });
  if (isSecureContext && (message.kind === 'operator' || message.kind === 'visitor'))
    items.push({ icon: Copy, label: words.copy, run: () => void copy(message.text) });
  if (message.canVisitorReact && isInOpenChat(store, message)) {
    items.push({ icon: ThumbsUp, label: words.like, run: () => react(store, message, 'like') });
    items.push({ icon: ThumbsDown, label: words.dislike, run: () => react(store, message, 'dislike') });
  }
  if (canEdit(store, message)) items.push({ icon: Pencil, label: words.edit, run: () => startEdit(store, message) });
  if (canRemove(store, message)) items.push({ icon: Trash2, label: words.remove, run: () => removeMessage(store, message) });
  return items;
}

/** Only pages under https may; there is no such item elsewhere. */
function copy(text: string): Promise<void> {
  return site.navigator.clipboard.writeText(text).catch(() => undefined);
}
