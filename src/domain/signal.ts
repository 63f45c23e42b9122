/** What nodes tell each other in passing: no revision, not stored, may be lost. */
export type Signal =
  | { readonly type: 'visitor-typing'; readonly chatId: number; readonly typing: boolean; readonly draft: string | null }
  | { readonly type: 'operator-typing'; readonly chatId: number; readonly operatorId: number; readonly typing: boolean }
  /** The device has opened this page: it has left those without rows that it had before. */
  | { readonly type: 'pages-left'; readonly visitorId: string; readonly deviceId: string; readonly pageId: string }
  /** The node of this name has the lease now: it need not wait for its next heartbeat to know. */
  | { readonly type: 'lease-handed-over'; readonly to: string };

export type TypingSignal = Extract<Signal, { readonly type: 'visitor-typing' | 'operator-typing' }>;
export type PagesLeft = Extract<Signal, { readonly type: 'pages-left' }>;

/** For what came from another node. */
export function isSignal(value: unknown): value is Signal {
  if (typeof value !== 'object' || value === null) return false;
  const signal = value as Record<string, unknown>;
  switch (signal['type']) {
    case 'visitor-typing':
      return isTyping(signal) && (signal['draft'] === null || typeof signal['draft'] === 'string');
    case 'operator-typing':
      return isTyping(signal) && Number.isSafeInteger(signal['operatorId']);
    case 'pages-left':
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
