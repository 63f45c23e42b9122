/** The dialog that is open, if any. Those about a chat go when it does. */
import { act, closeChat, takeChat } from '../actions.ts';
import { useStore } from '../store.ts';
import { words } from '../words.ts';
import { BanDialog } from './ban-dialog.tsx';
import { CannedDialog } from './canned-dialog.tsx';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { HelpDialog } from './help-dialog.tsx';
import { PasswordDialog } from './password-dialog.tsx';
import { SearchDialog } from './search-dialog.tsx';
import { SubjectDialog } from './subject-dialog.tsx';
import { TeamDialog } from './team-dialog.tsx';
import { TransferDialog } from './transfer-dialog.tsx';
import { WhyDialog } from './why-dialog.tsx';

export function Dialogs() {
  const store = useStore();
  const chat = store.selected.value;
  const onClose = (): void => void (store.dialog.value = null);
  switch (store.dialog.value) {
    case 'search':
      return <SearchDialog onClose={onClose} />;
    case 'team':
      return <TeamDialog onClose={onClose} />;
    case 'canned':
      return <CannedDialog onClose={onClose} />;
    case 'help':
      return <HelpDialog onClose={onClose} />;
    case 'password':
      return <PasswordDialog onClose={onClose} />;
    default:
  }
  if (chat === undefined) return null;
  switch (store.dialog.value) {
    case 'transfer':
      return <TransferDialog chat={chat} onClose={onClose} />;
    case 'subject':
      return <SubjectDialog chat={chat} onClose={onClose} />;
    case 'ban':
      return (
        <BanDialog
          chat={chat}
          onClose={onClose}
          onBan={async ban => {
            const isDone = await act(store, 'visitor.ban', { visitorId: chat.visitor.id, ...ban });
            if (isDone) store.cardRound.value += 1;
            return isDone;
          }}
        />
      );
    case 'why':
      return <WhyDialog chat={chat} onClose={onClose} />;
    case 'close':
      return (
        <ConfirmDialog
          title={words.closeChat}
          text={words.confirmClose}
          button={words.closeChat}
          onClose={onClose}
          onYes={() => void closeChat(store, chat, true)}
        />
      );
    case 'over-capacity':
      return (
        <ConfirmDialog
          title={words.takeOver}
          text={words.confirmCapacity}
          button={words.take}
          onClose={onClose}
          onYes={() => void takeChat(store, chat.id, true)}
        />
      );
    default:
      return null;
  }
}
