/** Who is there, with how much to do; supervisors set the status of their people here. */
import { shortTime } from '../../shared/time.ts';
import { act } from '../actions.ts';
import { byAvailability } from '../lists.ts';
import { useStore } from '../store.ts';
import type { Operator } from '../wire.ts';
import { fill, language, words } from '../words.ts';
import { Dialog } from './dialog.tsx';
import { StatusDot } from './status-dot.tsx';

export function TeamDialog({ onClose }: { readonly onClose: () => void }) {
  const store = useStore();
  const operators = [...store.state.value.operators.values()].sort(byAvailability(operator => store.sortOf(operator)));
  return (
    <Dialog title={words.teamTitle} onClose={onClose} size="wide">
      <ul class="team">
        {operators.map(operator => (
          <Member key={operator.id} operator={operator} />
        ))}
      </ul>
    </Dialog>
  );
}

function Member({ operator }: { readonly operator: Operator }) {
  const store = useStore();
  const { me, isAdmin } = store;
  const shares = operator.departmentKeys.some(key => me.value?.departmentKeys.includes(key) === true);
  const maySet = isAdmin.value || (shares && store.isSupervisor.value);
  return (
    <li>
      <StatusDot sort={store.sortOf(operator)} />
      <span class="choice-name">
        {operator.fullname}
        <span class="muted small">{operator.departmentKeys.map(key => store.nameOfDepartment(key)).join(', ')}</span>
      </span>
      <span class="team-load">
        <meter value={operator.chats} max={Math.max(1, operator.maxChats)} aria-hidden="true" />
        <span class="small">{fill(words.load, { load: operator.chats, max: operator.maxChats })}</span>
      </span>
      <span class="team-status">
        {maySet ? (
          <select
            aria-label={fill(words.setStatusOf, { name: operator.fullname })}
            value={operator.status}
            onChange={event => void act(store, 'operator.set_status', { operatorId: operator.id, status: event.currentTarget.value })}
          >
            {store.state.value.statuses.map(({ name }) => (
              <option key={name} value={name}>
                {store.titleOfStatus(name)}
              </option>
            ))}
          </select>
        ) : (
          <span>{store.titleOfStatus(operator.status)}</span>
        )}
        <span class="muted small">{fill(words.teamSince, { time: shortTime(operator.statusTs, language) })}</span>
      </span>
    </li>
  );
}
