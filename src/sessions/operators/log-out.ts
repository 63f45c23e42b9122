/** An operator logs out: this login ends, on every node. Called by http; it never touches another login of theirs. */
import { endOperatorSessions } from '../../commands/end-sessions.ts';
import type { Login } from './logins.ts';
import type { Services } from '../services.ts';

export async function logOut({ loop, log }: Services, { operator, tokenHash }: Login, address: string): Promise<object> {
  await loop.execute(endOperatorSessions(operator.id, tokenHash));
  log.info('logout', { address, operatorId: operator.id });
  return { result: 'ok' };
}
