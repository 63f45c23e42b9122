/** An operator changes his own password: he stays where he is, and is logged out everywhere else. */
import { endOperatorSessions } from '../../commands/end-sessions.ts';
import { type Parameters, wrong } from '../../protocol/parameters.ts';
import type { Login } from './logins.ts';
import { MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from './passwords.ts';
import type { Services } from '../services.ts';

/** A script may have logged in for years: its logins must not fill the commit loop's queue. */
const ENDED_AT_ONCE = 500;

/** Errors: `wrong-credentials` (forbidden: he is still logged in), `too-many-attempts`. */
export async function changeOwnPassword(
  { logins, loop }: Services,
  login: Login,
  parameters: Parameters,
  address: string,
): Promise<object> {
  const oldPassword = parameters.text('oldPassword', { max: MAX_PASSWORD_LENGTH, isExact: true });
  const newPassword = parameters.text('newPassword', { max: MAX_PASSWORD_LENGTH, isExact: true });
  if (newPassword.length < MIN_PASSWORD_LENGTH) throw wrong('newPassword', `at least ${MIN_PASSWORD_LENGTH} characters`);
  const others = await logins.changePassword(login, oldPassword, newPassword, address);
  for (let first = 0; first < others.length; first += ENDED_AT_ONCE) {
    const part = others.slice(first, first + ENDED_AT_ONCE);
    await Promise.all(part.map(tokenHash => loop.execute(endOperatorSessions(login.operator.id, tokenHash))));
  }
  return { result: 'ok' };
}
