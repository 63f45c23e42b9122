/** The login screen of the operator's page and the cluster's. Ends with the cookie of the login and `onDone`. */
import './login.css';
import { useSignal } from '@preact/signals';
import { Eye, EyeOff, MessagesSquare } from 'lucide';
import type { TargetedSubmitEvent } from 'preact';
import { useEffect, useId } from 'preact/hooks';
import { ApiError, post } from './api.ts';
import { Icon } from './icon.tsx';
import { type Language, pickLanguage } from './language.ts';
import { LOGIN_WORDS, type LoginError } from './login-words.ts';
import { duration } from './time.ts';

export interface LoggedInOperator {
  readonly id: number;
  readonly fullname: string;
  readonly login: string;
  readonly roles: readonly string[];
}

export interface LoginProps {
  readonly onDone: (operator: LoggedInOperator) => void;
  /** Why he has to log in (again), in words. */
  readonly reason?: string | undefined;
  /** What stands over the fields; the name of the product if nothing is given. */
  readonly heading?: string;
  readonly language?: Language;
}

interface Failure {
  readonly error: LoginError;
  /** When he may try again, for 'too-many-attempts'; on the page's clock. */
  readonly untilMs: number;
}

export function Login({ onDone, reason, heading = 'Tandem', language = pickLanguage() }: LoginProps) {
  const words = LOGIN_WORDS[language];
  const id = useId();
  const busy = useSignal(false);
  const shown = useSignal(false);
  const failure = useSignal<Failure | null>(null);
  const waitSeconds = useSecondsUntil(failure.value?.untilMs ?? 0);
  const told = failure.value?.error === 'too-many-attempts' && waitSeconds === 0 ? null : failure.value;

  const submit = async (event: TargetedSubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    const fields = new FormData(form);
    busy.value = true;
    failure.value = null;
    try {
      const { operator } = await post<{ readonly operator: LoggedInOperator }>('/l/o/login', {
        login: fields.get('login'),
        password: fields.get('password'),
      });
      onDone(operator);
    } catch (error) {
      failure.value = failureOf(error);
      form.querySelector<HTMLInputElement>('input[name=password]')?.select();
    } finally {
      busy.value = false;
    }
  };

  return (
    <main class="login">
      <form class="login-card" onSubmit={event => void submit(event)}>
        <h1>
          <Icon of={MessagesSquare} size="1.4em" />
          {heading}
        </h1>
        {reason !== undefined && failure.value === null && <p class="login-reason">{reason}</p>}
        <label for={`${id}-login`}>{words.login}</label>
        <input id={`${id}-login`} name="login" required autofocus autocomplete="username" autocapitalize="none" spellcheck={false} />
        <label for={`${id}-password`}>{words.password}</label>
        <div class="login-password">
          <input
            id={`${id}-password`}
            name="password"
            {...(shown.value ? { type: 'text' as const } : { type: 'password' as const })}
            required
            autocomplete="current-password"
            aria-describedby={`${id}-error`}
          />
          <button
            type="button"
            aria-label={words.showPassword}
            aria-pressed={shown.value}
            title={words.showPassword}
            onClick={() => (shown.value = !shown.value)}
          >
            <Icon of={shown.value ? EyeOff : Eye} />
          </button>
        </div>
        <p id={`${id}-error`} class="login-error" role="alert">
          {told !== null && words.errors[told.error].replace('#', duration(waitSeconds, language))}
        </p>
        <button class="login-submit" disabled={busy.value || waitSeconds > 0}>
          {busy.value ? words.wait : words.logIn}
        </button>
      </form>
    </main>
  );
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof ApiError)) return { error: 'other', untilMs: 0 };
  switch (error.code) {
    case 'too-many-attempts':
      return { error: error.code, untilMs: performance.now() + (error.retryAfterSeconds ?? 60) * 1_000 };
    case 'wrong-credentials':
    case 'operator-disabled':
    case 'no-connection':
      return { error: error.code, untilMs: 0 };
    default:
      return { error: 'other', untilMs: 0 };
  }
}

/** Counts down by the second; 0 when it is over. */
function useSecondsUntil(untilMs: number): number {
  const seconds = useSignal(0);
  useEffect(() => {
    const count = (): void => {
      seconds.value = Math.max(0, Math.ceil((untilMs - performance.now()) / 1_000));
      if (seconds.value === 0) clearInterval(timer);
    };
    const timer = setInterval(count, 250);
    count();
    return () => clearInterval(timer);
  }, [untilMs, seconds]);
  return seconds.value;
}
