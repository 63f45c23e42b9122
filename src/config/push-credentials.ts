/** The file of a Firebase service account, as Google's console gives it out. */
import path from 'node:path';
import { z } from 'zod';
import { type Fault, whyUnreadable } from './fault.ts';
import { Secret } from './secret.ts';
import { readText } from './text-file.ts';

const File = z.object({
  project_id: z.string().min(1),
  client_email: z.string().min(1),
  private_key: z.string().includes('PRIVATE KEY'),
  token_uri: z.url(),
});

export interface PushCredentials {
  readonly projectId: string;
  readonly clientEmail: string;
  readonly privateKey: Secret;
  readonly tokenUri: string;
}

/** undefined when no file is named, or after a fault, which never quotes what is in it. */
export function readPushCredentials(file: string | undefined, folder: string, faults: Fault[]): PushCredentials | undefined {
  if (file === undefined) return undefined;
  const fault = (why: string): undefined => void faults.push({ message: `push_fcm_credentials: ${file} ${why}` });
  let content: string;
  try {
    content = readText(path.resolve(folder, file));
  } catch (error) {
    return fault(whyUnreadable(error));
  }
  try {
    const { project_id, client_email, private_key, token_uri } = File.parse(JSON.parse(content));
    return { projectId: project_id, clientEmail: client_email, privateKey: new Secret(private_key), tokenUri: token_uri };
  } catch {
    return fault('is no service account with project_id, client_email, private_key and token_uri');
  }
}
