/** What nodes tell each other in passing: no revision, not stored, may be lost. */
export type Signal =
  | { readonly type: 'visitor-typing'; readonly chatId: number; readonly typing: boolean; readonly draft: string | null }
  | { readonly type: 'operator-typing'; readonly chatId: number; readonly operatorId: number; readonly typing: boolean }
  /** The device has opened this page: a poll that is held for an older one is answered. */
  | { readonly type: 'page-opened'; readonly visitorId: string; readonly deviceId: string; readonly pageId: string }
  /** The node of this name has the lease now: it need not wait for its next heartbeat to know. */
  | { readonly type: 'lease-handed-over'; readonly to: string };

/** What clients are told of or noticed by, and not nodes. */
export type ClientSignal = Exclude<Signal, { readonly type: 'lease-handed-over' }>;

/** For what came from another node. */
export function isSignal(value: unknown): value is Signal {
  if (typeof value !== 'object' || value === null) return false;
  const signal = value as Record<string, unknown>;
  switch (signal['type']) {
    case 'visitor-typing':
      return isTyping(signal) && (signal['draft'] === null || typeof signal['draft'] === 'string');
    case 'operator-typing':
      return isTyping(signal) && Number.isSafeInteger(signal['operatorId']);
    case 'page-opened':
      return ['visitorId', 'deviceId', 'pageId'].every(name => typeof signal[name] === 'string');
    case 'lease-handed-over':
      return typeof signal['to'] === 'string';
    default:
      return false;
  }
}

function isTyping(signal: Record<string, unknown>): boolean {
  return Number.isSafeInteger(signal['chatId']) && typeof signal['typing'] === 'boolean';
}
