/** To whom a chat goes: colleagues, who has room first, or a department's queue; with a note that only the colleague sees. */
import { useSignal } from '@preact/signals';
import { useId } from 'preact/hooks';
import { supervises, transferChat } from '../actions.ts';
import { readForm } from '../form.ts';
import { byAvailability } from '../lists.ts';
import { useStore } from '../store.ts';
import type { Chat, Department, Operator } from '../wire.ts';
import { count, fill, words } from '../words.ts';
import { Dialog } from './dialog.tsx';
import { StatusDot } from './status-dot.tsx';

type Target = { readonly operatorId: number } | { readonly departmentKey: string };

export function TransferDialog({ chat, onClose }: { readonly chat: Chat; readonly onClose: () => void }) {
  const store = useStore();
  const id = useId();
  const target = useSignal<Target | null>(null);
  const override = useSignal(false);
  const mayOverride = supervises(store, chat);
  const owner = chat.operatorId ?? chat.assignedOperatorId;
  const sortOf = (operator: Operator): string => store.sortOf(operator);
  const colleagues = [...store.state.value.operators.values()].filter(operator => operator.id !== owner).sort(byAvailability(sortOf));
  const departments = [...store.state.value.departments.values()].sort((a, b) => a.order - b.order);
  const chosen =
    target.value !== null && 'operatorId' in target.value ? store.state.value.operators.get(target.value.operatorId) : undefined;
  const isFull = chosen !== undefined && chosen.chats >= chosen.maxChats;

  const submit = async (form: HTMLFormElement): Promise<void> => {
    if (target.value === null) return;
    const note = readForm(form)('note');
    const toOperator = 'operatorId' in target.value;
    const done = await transferChat(store, chat.id, {
      ...target.value,
      ...(toOperator && note !== '' ? { note } : {}),
      ...(isFull && override.value ? { override: true } : {}),
    });
    if (done) onClose();
  };

  return (
    <Dialog title={words.transferTitle} onClose={onClose}>
      <form
        class="form"
        onSubmit={event => {
          event.preventDefault();
          void submit(event.currentTarget);
        }}
      >
        <fieldset class="choices">
          <legend>{words.transferToOperators}</legend>
          {colleagues.map((operator, i) => (
            <Colleague
              key={operator.id}
              isFirst={i === 0}
              operator={operator}
              sort={store.sortOf(operator)}
              mayOverride={mayOverride}
              onChoose={() => {
                target.value = { operatorId: operator.id };
                override.value = false;
              }}
            />
          ))}
        </fieldset>
        {departments.length > 0 && (
          <fieldset class="choices">
            <legend>{words.transferToDepartments}</legend>
            {departments.map(department => (
              <DepartmentChoice
                key={department.key}
                department={department}
                onChoose={() => (target.value = { departmentKey: department.key })}
              />
            ))}
          </fieldset>
        )}
        {(target.value === null || 'operatorId' in target.value) && (
          <>
            <label for={`${id}-note`}>{words.transferNote}</label>
            <textarea id={`${id}-note`} name="note" rows={2} maxLength={store.state.value.limits.maxMessageLength} />
          </>
        )}
        {isFull && mayOverride && (
          <label class="check warning">
            <input type="checkbox" checked={override.value} onChange={event => (override.value = event.currentTarget.checked)} />
            {words.transferOverride}
          </label>
        )}
        <footer>
          <button type="button" onClick={onClose}>
            {words.cancel}
          </button>
          <button class="primary" disabled={target.value === null || (isFull && !override.value)}>
            {words.transferDo}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

interface ColleagueProps {
  readonly operator: Operator;
  readonly sort: string;
  readonly mayOverride: boolean;
  readonly isFirst: boolean;
  readonly onChoose: () => void;
}

function Colleague({ operator, sort, mayOverride, isFirst, onChoose }: ColleagueProps) {
  const store = useStore();
  const isFull = operator.chats >= operator.maxChats;
  return (
    <label class="choice">
      <input type="radio" name="target" autofocus={isFirst} disabled={sort === 'offline' || (isFull && !mayOverride)} onChange={onChoose} />
      <StatusDot sort={sort} />
      <span class="choice-name">
        {operator.fullname}
        <span class="muted small">{operator.departmentKeys.map(key => store.nameOfDepartment(key)).join(', ')}</span>
      </span>
      <span class="muted small">
        {store.titleOfStatus(operator.status)} · {fill(words.load, { load: operator.chats, max: operator.maxChats })}
        {isFull && ` · ${words.full}`}
      </span>
    </label>
  );
}

function DepartmentChoice({ department, onChoose }: { readonly department: Department; readonly onChoose: () => void }) {
  return (
    <label class="choice">
      <input type="radio" name="target" onChange={onChoose} />
      <StatusDot sort={{ online: 'takes', busy_online: 'none', offline: 'offline' }[department.online]} />
      <span class="choice-name">{department.name}</span>
      <span class="muted small">
        {words.departmentStates[department.online]} · {count(department.queue, words.waitingThere)}
      </span>
    </label>
  );
}
