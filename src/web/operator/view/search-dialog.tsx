/** Finds chats of any age by words, state, operator, department and days; a found one opens read-only. */
import { useSignal } from '@preact/signals';
import { useId, useRef } from 'preact/hooks';
import { get } from '../../shared/api.ts';
import { dateAndTime } from '../../shared/time.ts';
import { useStore } from '../store.ts';
import { messageSummary } from '../summary.ts';
import type { Chat } from '../wire.ts';
import { explain, language, words } from '../words.ts';
import { Avatar } from './avatar.tsx';
import { Dialog } from './dialog.tsx';
import { VisitorName } from './verified-mark.tsx';

interface Page {
  readonly chats: readonly Chat[];
  readonly cursor: string | null;
}

const OPEN_STATES = 'queue,chatting,hold,invitation,chatting_with_robot,routing';
const CLOSED_STATES = 'closed,closed_by_operator,closed_by_visitor';
const DAY_SECONDS = 86_400;

export function SearchDialog({ onClose }: { readonly onClose: () => void }) {
  const store = useStore();
  const id = useId();
  const form = useRef<HTMLFormElement>(null);
  const found = useSignal<Page | null>(null);
  const failure = useSignal('');
  const busy = useSignal(false);

  const search = async (cursor?: string): Promise<void> => {
    if (form.current === null) return;
    busy.value = true;
    failure.value = '';
    try {
      const page = await get<Page>('/l/o/chats', { ...queryOf(form.current), limit: '50', ...(cursor === undefined ? {} : { cursor }) });
      found.value = cursor === undefined || found.value === null ? page : { ...page, chats: [...found.value.chats, ...page.chats] };
    } catch (error) {
      failure.value = explain(error);
    } finally {
      busy.value = false;
    }
  };
  const operators = [...store.state.value.operators.values()].sort((a, b) => a.fullname.localeCompare(b.fullname));
  const departments = [...store.state.value.departments.values()].sort((a, b) => a.order - b.order);

  return (
    <Dialog title={words.search} onClose={onClose} size="wide">
      <form
        ref={form}
        class="form search"
        role="search"
        onSubmit={event => {
          event.preventDefault();
          void search();
        }}
      >
        <div class="field whole">
          <label for={`${id}-query`}>{words.searchText}</label>
          <input id={`${id}-query`} name="query" type="search" maxLength={200} autofocus />
        </div>
        <div class="field">
          <label for={`${id}-state`}>{words.searchState}</label>
          <select id={`${id}-state`} name="state">
            <option value="">{words.any}</option>
            <option value={OPEN_STATES}>{words.openState}</option>
            <option value={CLOSED_STATES}>{words.closedState}</option>
          </select>
        </div>
        <div class="field">
          <label for={`${id}-operator`}>{words.searchOperator}</label>
          <select id={`${id}-operator`} name="operatorId">
            <option value="">{words.any}</option>
            {operators.map(operator => (
              <option key={operator.id} value={operator.id}>
                {operator.fullname}
              </option>
            ))}
          </select>
        </div>
        {departments.length > 0 && (
          <div class="field">
            <label for={`${id}-department`}>{words.department}</label>
            <select id={`${id}-department`} name="departmentKey">
              <option value="">{words.any}</option>
              {departments.map(department => (
                <option key={department.key} value={department.key}>
                  {department.name}
                </option>
              ))}
            </select>
          </div>
        )}
        <div class="field">
          <label for={`${id}-from`}>{words.searchFrom}</label>
          <input id={`${id}-from`} name="from" type="date" />
        </div>
        <div class="field">
          <label for={`${id}-to`}>{words.searchTo}</label>
          <input id={`${id}-to`} name="to" type="date" />
        </div>
        <button class="primary" disabled={busy.value}>
          {words.searchDo}
        </button>
      </form>
      <div class="found" aria-live="polite">
        {failure.value !== '' && <p class="failed">{failure.value}</p>}
        {found.value?.chats.length === 0 && <p class="muted">{words.searchNothing}</p>}
        <ul>
          {found.value?.chats.map(chat => (
            <li key={chat.id}>
              <button type="button" onClick={() => store.open(chat.id, chat)}>
                <Avatar visitor={chat.visitor} />
                <span class="found-name">
                  <VisitorName visitor={chat.visitor} />
                </span>
                <span class="muted small">
                  {dateAndTime(chat.creationTs, language)} · {words.states[chat.state] ?? chat.state}
                  {chat.operatorId !== null && ` · ${store.nameOfOperator(chat.operatorId)}`}
                </span>
                <span class="found-text">{chat.lastMessage !== null && messageSummary(chat.lastMessage)}</span>
              </button>
            </li>
          ))}
        </ul>
        {found.value !== null && found.value.cursor !== null && (
          <button type="button" disabled={busy.value} onClick={() => void search(found.value?.cursor ?? undefined)}>
            {words.more}
          </button>
        )}
      </div>
    </Dialog>
  );
}

/** Days are whole ones of the reader's zone. */
function queryOf(form: HTMLFormElement): Record<string, string> {
  const query: Record<string, string> = {};
  for (const [name, value] of new FormData(form)) {
    if (typeof value !== 'string' || value.trim() === '') continue;
    if (name === 'from' || name === 'to') {
      const startTs = new Date(`${value}T00:00`).getTime() / 1_000;
      query[name] = String(name === 'from' ? startTs : startTs + DAY_SECONDS);
    } else query[name] = value.trim();
  }
  return query;
}
