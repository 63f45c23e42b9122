/** Visitors, operators and departments for tests that run commands without HTTP. */
import { randomBytes } from 'node:crypto';
import { addDepartment, addOperator } from '../../src/commands/staff.ts';
import type { Page } from '../../src/domain/visitor.ts';
import { createPages } from '../../src/postgres/pages.ts';
import type { BareNode } from './bare-node.ts';

export const newId = (): string => randomBytes(16).toString('hex');
export const newNonce = (): string => randomBytes(8).toString('hex');

/** What a visitor says, for sendVisitorMessage. */
export const said = (text: string, clientSideId: string = newNonce(), quotedId?: string) =>
  ({ clientSideId, kind: 'visitor', text, data: null, quotedId, nonce: newNonce() }) as const;

/** How what a visitor says finds its chat. */
export const speaking = (page: Page) => ({ page, departmentKey: null, lang: '', defaultMaxChats: 5 });

export async function addVisitors(node: BareNode, count: number): Promise<Page[]> {
  const pages = createPages(node.database);
  return Promise.all(
    Array.from({ length: count }, async () => {
      const page: Page = {
        id: newId(),
        visitorId: newId(),
        visitSessionId: newId(),
        location: 'test',
        title: 'Test',
        platform: 'test',
        url: '',
        deviceId: '',
        secretGeneration: 0,
      };
      const { visitor, hasChatted } = await pages.open({
        pageId: page.id,
        visitorId: page.visitorId,
        oldVisitSessionId: '',
        newVisitSessionId: page.visitSessionId,
        location: page.location,
        title: page.title,
        platform: page.platform,
        url: '',
        deviceId: '',
        pushService: '',
        pushToken: null,
        isIdentified: false,
      });
      if (!hasChatted) node.newcomers.add(visitor);
      return page;
    }),
  );
}

export async function addOperators(
  node: BareNode,
  count: number,
  overrides: Partial<Parameters<typeof addOperator>[0]> = {},
): Promise<number[]> {
  const ids: number[] = [];
  for (let i = 0; i < count; i++) {
    const { id } = await node.run(
      addOperator({
        login: `op${newNonce()}`,
        fullname: `Operator ${i}`,
        departmentKeys: [],
        langs: [],
        maxChats: null,
        roles: ['operator'],
        ...overrides,
      }),
    );
    ids.push(id);
  }
  return ids;
}

export async function addDepartments(node: BareNode, keys: readonly string[]): Promise<void> {
  for (const [i, key] of keys.entries()) await node.run(addDepartment({ key, name: key, order: i }, i + 1));
}
