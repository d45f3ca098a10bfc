import { SessionError } from '../../error.ts';

/** Redis refused these before it did anything: what was asked can be asked again. */
const REFUSED = /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|LOADING|READONLY|MASTERDOWN|NOSCRIPT|NOREPLICAS)\b/;

export function isRefusal(error: unknown): boolean {
  return error instanceof Error && REFUSED.test(error.message);
}

export function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}

/** The store is another one than was opened: somebody emptied the server. */
export function isOtherStore(error: unknown): boolean {
  return error instanceof Error && error.message.includes('OTHERSTORE');
}

/** What an error says without values: the driver's carry the command's arguments, which Redis repeats where it knows no such command. */
export function reasonOf(error: unknown): string {
  const [text = ''] = error instanceof Error ? error.message.split(', with args beginning with') : [];
  return text === '' ? 'no reason given' : text;
}

/** What the callers of a store see of its driver's errors. */
export function unavailable(error: unknown): SessionError {
  if (error instanceof SessionError) return error;
  const text = reasonOf(error);
  if (isOtherStore(error)) {
    const message = 'the server has lost the store that was opened, or has another one; restart this instance';
    return new SessionError('STORE_UNAVAILABLE', message, { cause: new Error(text) });
  }
  return new SessionError('STORE_UNAVAILABLE', 'the store did not answer; what was asked may have been done', {
    cause: new Error(text),
  });
}

export function notReplicated(why: string): SessionError {
  return new SessionError('NOT_REPLICATED', 'the store could not confirm it on its replicas; try again', {
    cause: new Error(why),
  });
}

/** Settles by `deadlineMs` (of performance.now) in any case, and turns whatever was thrown into a SessionError. */
export async function within<T>(deadlineMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), Math.max(0, deadlineMs - performance.now()));
  });
  try {
    return await Promise.race([work, timeout]);
  } catch (error) {
    throw unavailable(error);
  } finally {
    clearTimeout(timer);
  }
}
