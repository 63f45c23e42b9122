import type { Sender } from './message.ts';

/** A file that was sent: found under its guid as long as the message it came with is there. */
export interface StoredFile {
  readonly guid: string;
  /** Whose history it is in. */
  readonly visitorId: string;
  /** Of its message. */
  readonly sender: Sender;
  readonly clientSideId: string;
  readonly filename: string;
  readonly contentType: string;
  /** As its sender called it. */
  readonly clientContentType: string;
  readonly size: number;
  /** In pixels, as it is looked at. */
  readonly image: { readonly width: number; readonly height: number } | null;
}
