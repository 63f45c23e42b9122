/** Who is logged in: the login, or his desk. A login that has ended anywhere ends here too, and says why. */
import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { ApiError, get, post } from '../shared/api.ts';
import { type LoggedInOperator, Login } from '../shared/login.tsx';
import { Store, StoreProvider } from './store.ts';
import { sayError } from './toasts.ts';
import { Desk } from './view/desk.tsx';
import { words } from './words.ts';

interface Session {
  /** undefined: not known yet; null: nobody. */
  readonly operator: LoggedInOperator | null | undefined;
  readonly reason?: string;
}

const ASK_AGAIN_MS = 2_000;

export function App() {
  const session = useSignal<Session>({ operator: undefined });
  const { operator, reason } = session.value;
  useEffect(() => findOutWho(found => (session.value = { operator: found })), [session]);

  if (operator === undefined) return <p class="starting">{words.loading}</p>;
  if (operator === null) return <Login reason={reason} onDone={found => (session.value = { operator: found })} />;
  return <DeskOf key={operator.id} operator={operator} onEnd={why => (session.value = { operator: null, reason: why })} />;
}

function DeskOf({ operator, onEnd }: { readonly operator: LoggedInOperator; readonly onEnd: (reason: string) => void }) {
  const isLeaving = useRef(false);
  const store = useMemo(
    () =>
      new Store(operator, reason => {
        if (!isLeaving.current) onEnd(reason === 'unauthorized' ? words.sessionEnded : words.accountDisabled);
      }),
    [operator],
  );
  useEffect(() => () => store.stop(), [store]);
  const logOut = async (): Promise<void> => {
    isLeaving.current = true;
    try {
      await post('/l/o/logout');
      onEnd(words.loggedOut);
    } catch (error) {
      isLeaving.current = false;
      sayError(error); // he is still logged in
    }
  };
  return (
    <StoreProvider value={store}>
      <Desk onLogOut={() => void logOut()} />
    </StoreProvider>
  );
}

/** Asks until the server answers. Returns how to stop. */
function findOutWho(tell: (operator: LoggedInOperator | null) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isStopped = false;
  const ask = async (): Promise<void> => {
    try {
      const operator = await get<LoggedInOperator>('/l/o/me');
      if (!isStopped) tell(operator);
    } catch (error) {
      if (isStopped) return;
      if (error instanceof ApiError && (error.code === 'unauthorized' || error.code === 'operator-disabled')) tell(null);
      else timer = setTimeout(() => void ask(), ASK_AGAIN_MS);
    }
  };
  void ask();
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}
