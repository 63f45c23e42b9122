/**
 * A chat goes to another operator, or back to the queue of a department, at its original place. By the one whose it is,
 * or by a supervisor. The other one must be there and have room; a supervisor may go beyond his capacity, which is
 * recorded. Who has not taken it yet cannot hand it over: then the other one is asked.
 */
import { bearerOf, type Chat } from '../domain/chat.ts';
import type { Change, ChatMoved } from '../domain/change.ts';
import { ChatError } from '../domain/error.ts';
import { type Operator, supervises, worksIn } from '../domain/operator.ts';
import type { Microseconds } from '../domain/time.ts';
import type { BatchRows } from '../commit/batch-rows.ts';
import { getOpenChat, getOperator, isOwner, nextMessageTime, refuseWithoutRoom } from './chat-rows.ts';
import { type Command, unchanged } from '../commit/command.ts';
import { moveChat } from './move-chat.ts';
import { operatorMessage } from './send-operator-message.ts';
import { MESSAGE_BYTES, STEP_BYTES, textBytes } from './command-bytes.ts';

export interface TransferChat {
  readonly operatorId: number;
  readonly chatId: number;
  readonly to: { readonly operatorId: number } | { readonly departmentKey: string };
  /** For the next one; the visitor does not see it. */
  readonly note: string | undefined;
  readonly override: boolean;
  readonly defaultMaxChats: number;
  /** 16 random hex digits for the note. */
  readonly nonce: string;
}

export function transferChat(transfer: TransferChat): Command<null> {
  const { operatorId, chatId, to, note, nonce } = transfer;
  return {
    name: 'chat.transfer',
    bytes: STEP_BYTES + (note === undefined ? 0 : MESSAGE_BYTES + textBytes(note)),
    addKeys(keys, hot) {
      keys.addChatWithBearer(chatId, hot);
      keys.operators.add(operatorId);
      if ('operatorId' in to) keys.operators.add(to.operatorId);
      else keys.departments.add(to.departmentKey);
    },
    decide(rows, nowUs) {
      const operator = getOperator(rows, operatorId);
      const chat = getOpenChat(rows, chatId);
      const isSupervisor = supervises(operator, chat.departmentKey);
      if (!isOwner(chat, operatorId) && !isSupervisor) throw new ChatError('forbidden', 'not-your-chat', `chat ${chatId} is not yours`);
      if ('operatorId' in to && isOwner(chat, to.operatorId)) return unchanged(null); // a repeat, or his already
      rows.lockBearer(bearerOf(chat));
      const moved =
        'operatorId' in to
          ? toOperator(rows, chat, operator, { ...transfer, targetId: to.operatorId, isSupervisor }, nowUs)
          : toDepartment(rows, chat, operatorId, to.departmentKey, nowUs);
      const changes: Change[] = [moved];
      if (note !== undefined) {
        const words = {
          operatorId,
          chatId,
          clientSideId: `transfer-${nonce}`,
          kind: 'for_operator' as const,
          text: note,
          data: null,
          nonce,
        };
        changes.push({ type: 'message-added', message: operatorMessage(chat, operator, words, null, nextMessageTime(chat, nowUs)) });
      }
      return { changes, answer: null };
    },
  };
}

function toOperator(
  rows: BatchRows,
  chat: Chat,
  { id: by }: Operator,
  { targetId, override, isSupervisor, defaultMaxChats }: TransferChat & { readonly targetId: number; readonly isSupervisor: boolean },
  atUs: Microseconds,
): ChatMoved {
  const target = rows.operator(targetId);
  if (target === undefined || target.disabled || target.statusSort !== 'takes' || !worksIn(target, chat.departmentKey)) {
    throw new ChatError('conflict', 'operator-not-available', `operator ${targetId} cannot be given chat ${chat.id}`);
  }
  const overrides = refuseWithoutRoom(target, chat, defaultMaxChats, override && isSupervisor);
  const whose = chat.state === 'queue' ? { assignedOperatorId: targetId } : { operatorId: targetId };
  return moveChat(chat, 'transferred', { atUs, by, ...whose, override: overrides });
}

/** He who sends it away is not asked again at once, should he work there too. */
function toDepartment(rows: BatchRows, chat: Chat, by: number, departmentKey: string, atUs: Microseconds): ChatMoved {
  if (rows.department(departmentKey) === undefined) {
    throw new ChatError('not-found', 'department-not-found', `there is no department '${departmentKey}'`);
  }
  return moveChat(chat, 'sent-to-department', { atUs, by, departmentKey, declinedBy: by });
}
