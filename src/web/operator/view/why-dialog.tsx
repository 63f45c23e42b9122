/** Why a chat is where it is, in plain words: what happened to it, who was asked and why, and while it waits what stands in the way. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { get } from '../../shared/api.ts';
import { dateAndTime } from '../../shared/time.ts';
import { type Store, useStore } from '../store.ts';
import type { Chat } from '../wire.ts';
import { explain, fill, language, words } from '../words.ts';
import { Dialog } from './dialog.tsx';

interface AssignmentRecord {
  readonly why: string;
  readonly candidates: readonly { readonly id: number; readonly load: number; readonly max: number; readonly declined?: true }[];
  readonly candidateCount: number;
  readonly removed: Readonly<Record<string, { readonly count: number; readonly ids: readonly number[] }>>;
}

interface Step {
  readonly ts: number;
  readonly move: string;
  readonly operatorId: number | null;
  readonly assignedOperatorId: number | null;
  readonly departmentKey: string | null;
  readonly by: number | null;
  readonly override: boolean;
  readonly record: AssignmentRecord | null;
}

interface Waiting {
  readonly why: string;
  readonly position: number;
  readonly operators: readonly {
    readonly operatorId: number;
    readonly fullname: string;
    readonly load: number;
    readonly maxChats: number;
    readonly obstacle: string | null;
  }[];
}

interface Why {
  readonly history: readonly Step[];
  readonly waiting: Waiting | null;
}

export function WhyDialog({ chat, onClose }: { readonly chat: Chat; readonly onClose: () => void }) {
  const why = useSignal<Why | null>(null);
  const failure = useSignal('');
  useEffect(() => {
    get<Why>('/l/o/assignments', { chatId: String(chat.id) }).then(
      answer => (why.value = answer),
      (error: unknown) => (failure.value = explain(error)),
    );
  }, [chat.id, chat.state, chat.operatorId, chat.assignedOperatorId, why, failure]);
  return (
    <Dialog title={words.whyTitle} onClose={onClose} size="wide">
      <div class="why">
        {why.value === null && (
          <p class={failure.value === '' ? 'muted' : 'failed'}>{failure.value === '' ? words.loading : failure.value}</p>
        )}
        {why.value?.waiting && <WaitingView waiting={why.value.waiting} />}
        {why.value !== null && (
          <>
            <h3>{words.whyHistory}</h3>
            <ol>
              {why.value.history.map((step, i) => (
                <StepView key={i} step={step} />
              ))}
            </ol>
          </>
        )}
      </div>
    </Dialog>
  );
}

function WaitingView({ waiting }: { readonly waiting: Waiting }) {
  return (
    <>
      <h3>{words.whyWaiting}</h3>
      <p>
        {words.waiting[waiting.why] ?? waiting.why} {words.position.replace('#', String(waiting.position))}
      </p>
      <ul>
        {waiting.operators.map(one => (
          <li key={one.operatorId}>
            {one.fullname}: {one.obstacle === null ? words.free : (words.obstacles[one.obstacle] ?? one.obstacle)},{' '}
            {fill(words.load, { load: one.load, max: one.maxChats })}
          </li>
        ))}
      </ul>
    </>
  );
}

function StepView({ step }: { readonly step: Step }) {
  const store = useStore();
  return (
    <li>
      <time>{dateAndTime(step.ts, language)}</time>
      <p>
        {sentenceOf(store, step)}
        {step.override && <b> ({words.overridden})</b>}
      </p>
      {step.record !== null && <RecordView record={step.record} />}
    </li>
  );
}

function RecordView({ record }: { readonly record: AssignmentRecord }) {
  const store = useStore();
  const others = record.candidateCount - record.candidates.length;
  const removed = Object.entries(record.removed);
  return (
    <div class="record">
      <p>{words.reasons[record.why] ?? record.why}</p>
      <p class="muted small">
        {words.candidates}:{' '}
        {record.candidates
          .map(({ id, load, max }) => `${store.nameOfOperator(id)} (${fill(words.load, { load, max })})`)
          .concat(others > 0 ? [`+${others}`] : [])
          .join(', ')}
      </p>
      {removed.length > 0 && (
        <p class="muted small">
          {words.removed}:{' '}
          {removed
            .map(([obstacle, { count, ids }]) => {
              const names = ids.map(id => store.nameOfOperator(id)).concat(count > ids.length ? [`+${count - ids.length}`] : []);
              return `${names.join(', ')} – ${words.obstacles[obstacle] ?? obstacle}`;
            })
            .join('; ')}
        </p>
      )}
    </div>
  );
}

function sentenceOf(store: Store, { move, by, operatorId, assignedOperatorId, departmentKey }: Step): string {
  return fill(words.moves[move] ?? move, {
    by: by === null ? words.server : store.nameOfOperator(by),
    to: store.nameOfOperator(operatorId ?? assignedOperatorId),
    department: store.nameOfDepartment(departmentKey),
  });
}
