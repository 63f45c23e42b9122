/** Who is spoken to, and what else can be done. */
import { useRef } from 'preact/hooks';
import { EllipsisVertical, LogOut, Star, Volume2, VolumeX, X } from 'lucide';
import { Icon } from '../../shared/icon.tsx';
import { Avatar } from './avatar.tsx';
import { useStore } from './context.ts';
import { EndChatDialog } from './end-chat-dialog.tsx';
import { Menu, type MenuItem } from './menu.tsx';

export function Header({ onClose }: { readonly onClose: () => void }) {
  const store = useStore();
  const { words, options, conversation, hasOpenChat, isAway, isMuted } = store;
  const endDialog = useRef<HTMLDialogElement>(null);
  const { chat, messages } = conversation.value;
  const operator = hasOpenChat.value ? (chat?.operator ?? null) : null;
  const items: MenuItem[] = [
    {
      icon: isMuted.value ? Volume2 : VolumeX,
      label: isMuted.value ? words.unmute : words.mute,
      run: () => (isMuted.value = !isMuted.value),
    },
  ];
  if (messages.some(({ authorId }) => authorId !== null))
    items.push({ icon: Star, label: words.rate, run: () => (store.rating.value = 'asked') });
  if (hasOpenChat.value) items.push({ icon: LogOut, label: words.endChat, run: () => endDialog.current?.showModal() });

  return (
    <header class="header">
      {operator !== null && <Avatar name={operator.fullname} path={operator.avatar} />}
      <div class="header-text">
        <h2>{operator?.fullname ?? options.title ?? words.title}</h2>
        <p>{operator === null ? (isAway.value ? words.away : words.subtitle) : (operator.title ?? options.title ?? words.title)}</p>
      </div>
      <Menu label={words.menu} icon={EllipsisVertical} items={items} class="on-brand" />
      <button type="button" class="icon-button on-brand" aria-label={words.close} onClick={onClose}>
        <Icon of={X} />
      </button>
      <EndChatDialog ref={endDialog} />
    </header>
  );
}
