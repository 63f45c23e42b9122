/** Who looks: nobody yet, somebody who may not, an admin. */
import { ShieldAlert } from 'lucide';
import { useEffect } from 'preact/hooks';
import { Icon } from '../shared/icon.tsx';
import { Login, type LoggedInOperator } from '../shared/login.tsx';
import { ClusterPage } from './cluster-page.tsx';
import { enter, logOut, recognize, store } from './store.ts';
import { language, words } from './words.ts';

export function App() {
  useEffect(() => void recognize(), []);
  const who = store.who.value;
  switch (who.is) {
    case 'unknown':
      return (
        <main class="notice">
          <p role="status">{store.isAway.value ? words.neverAnswered : words.loading}</p>
        </main>
      );
    case 'nobody':
      return <Login onDone={enter} language={language} reason={who.hasEnded ? words.ended : undefined} />;
    case 'not-admin':
      return <NotAdmin operator={who.operator} />;
    case 'admin':
      return <ClusterPage operator={who.operator} />;
  }
}

function NotAdmin({ operator }: { readonly operator: LoggedInOperator }) {
  return (
    <main class="notice">
      <div class="notice-card">
        <h1>
          <Icon of={ShieldAlert} size="1.4em" />
          {words.notAdmin.title}
        </h1>
        <p>{words.notAdmin.text(operator.fullname, operator.login)}</p>
        <p class="actions">
          <button class="primary" onClick={() => void logOut()}>
            {words.notAdmin.other}
          </button>
          <a class="button" href="operator">
            {words.console}
          </a>
        </p>
      </div>
    </main>
  );
}
