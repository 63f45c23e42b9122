/** Nodes behind Nginx, an operator who is online, and apps that are ended with the test. */
import assert from 'node:assert/strict';
import { Cleanup } from '../cleanup.ts';
import { PASSWORD, SLAVE, startCluster, type TestCluster } from '../cluster.ts';
import { eventually } from '../eventually.ts';
import { startNginx } from '../nginx.ts';
import { Operator } from '../operator.ts';
import { PUBLISHED_INI, signFields } from '../signed-fields.ts';
import type { Result } from './action-queue.ts';
import { SdkClient } from './sdk-client.ts';
import type { SdkOptions } from './sdk-core.ts';
import type { Platform, Seen } from './wire.ts';

export const BACKEND_KEY = 'another key of the tests, as long';

export class Stage {
  readonly cluster: TestCluster;
  readonly url: string;
  readonly operator: Operator;
  /** What all apps saw, those of earlier tests too. */
  readonly seen: Seen[] = [];
  readonly #cleanup: Cleanup;
  readonly #apps: SdkClient[] = [];

  private constructor(cluster: TestCluster, url: string, operator: Operator, cleanup: Cleanup) {
    this.cluster = cluster;
    this.url = url;
    this.operator = operator;
    this.#cleanup = cleanup;
  }

  static async open({ isSingle = false, ini = '' }: { isSingle?: boolean; ini?: string } = {}): Promise<Stage> {
    const cleanup = new Cleanup();
    const lines = ['max_chats_per_operator = 1000', PUBLISHED_INI, `backend_key = ${BACKEND_KEY}`, ini];
    const single = { without: [SLAVE], broker: 'none' as const };
    try {
      const options = { operators: 2, ini: lines.join('\n') };
      const cluster = cleanup.add(await startCluster({ ...options, ...(isSingle ? single : {}) }), it => it.stop());
      const slavePort = isSingle ? cluster.master.port : cluster.slave.port;
      const nginx = cleanup.add(await startNginx({ nodes: { 8260: cluster.master.port, 8261: slavePort } }), it => it.stop());
      const operator = cleanup.add(await Operator.login(nginx.url, 'op1', PASSWORD), it => it.close());
      await operator.setStatus('online');
      await operator.connect();
      return new Stage(cluster, nginx.url, operator, cleanup);
    } catch (error) {
      await cleanup.run();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.endApps();
    await this.#cleanup.run();
  }

  /** A started app. */
  app(platform: Platform = 'android', options: Partial<SdkOptions> = {}): SdkClient {
    const app = new SdkClient({ url: this.url, platform, ...options });
    this.#apps.push(app);
    app.start();
    return app;
  }

  /** A started app with its page. */
  async ready(platform: Platform = 'android', options: Partial<SdkOptions> = {}): Promise<SdkClient> {
    const app = this.app(platform, options);
    await eventually(() => alive(app) && app.since !== '0' && app.configs !== undefined);
    return app;
  }

  /** An app whose chat is taken by the operator. */
  async chatting(platform: Platform = 'android', options: Partial<SdkOptions> = {}): Promise<{ app: SdkClient; chatId: string }> {
    const app = await this.ready(platform, options);
    app.send('Good day');
    return { app, chatId: await this.taken(app) };
  }

  /** The id of the app's chat, after the operator has taken it. */
  async taken(app: SdkClient): Promise<string> {
    const chatId = await eventually(
      () => alive(app) && app.messages.some(message => message.sendStatus === 'SENT') && String(app.chat?.id),
    );
    await this.does('chat.take', { chatId });
    await eventually(() => alive(app) && app.chat?.state === 'chatting' && app.operator !== null);
    return chatId;
  }

  /** An action of the operator, which must succeed. */
  async does(action: string, parameters: Record<string, string>): Promise<Record<string, string>> {
    const answer = await eventually(async () => {
      const tried = await this.operator.action(action, parameters);
      assert.equal(tried.result, 'ok', `${action} answered ${JSON.stringify(tried)}`);
      return tried;
    });
    return (answer.data as Record<string, string> | undefined) ?? {};
  }

  /** Somebody else signs in on the same device: the page ends. */
  async endPageOf(app: SdkClient): Promise<void> {
    const { deviceId } = app.stored.identity;
    const parameters = { event: 'init', since: '0', platform: 'android', location: 'mobile', 'device-id': deviceId };
    const visitorExt = JSON.stringify(signFields({ id: `somebody else ${deviceId}` }));
    const response = await fetch(`${this.url}/l/v/m/init?${new URLSearchParams({ ...parameters, 'visitor-ext': visitorExt }).toString()}`);
    assert.equal(response.status, 200, 'init of somebody else');
  }

  async endApps(): Promise<void> {
    for (const app of this.#apps.splice(0)) {
      await app.stop();
      this.seen.push(...app.seen);
    }
  }
}

/** For conditions: true, or throws why the app has failed. */
export function alive(app: SdkClient): boolean {
  assert.equal(app.crash, undefined, `the app died: ${app.crash ?? ''}`);
  assert.equal(app.fatal, undefined, `the session was destroyed: ${app.fatal ?? ''}`);
  assert.deepEqual(app.ignored, [], 'nothing that came was useless');
  return true;
}

export const failed = (result: Result): string => (result.ok ? 'ok' : result.error);

/** Calls of one path, or of one action. */
export const callsOf = (app: { readonly seen: readonly Seen[] }, name: string): readonly Seen[] =>
  app.seen.filter(({ call }) => call.path === name || call.parameters['action'] === name);
