/** Opens the dialog of an action. One that is not possible now keeps its place and its focus, and does nothing. */
import { type Action, store } from './store.ts';
import { words } from './words.ts';

export interface ActionButtonProps {
  readonly action: Action;
  readonly node: string;
  readonly isPossible: boolean;
  readonly onAsk: (action: Action) => void;
}

export function ActionButton({ action, node, isPossible, onAsk }: ActionButtonProps) {
  const canAsk = isPossible && store.isFresh.value;
  return (
    <button aria-disabled={!canAsk} aria-label={`${words.actions[action].button}: ${node}`} onClick={() => canAsk && onAsk(action)}>
      {words.actions[action].button}
    </button>
  );
}
