/** For each key either several that share, or one alone; in the order in which they came. */
export interface SharedLock {
  shared<T>(key: string, action: () => Promise<T>): Promise<T>;
  alone<T>(key: string, action: () => Promise<T>): Promise<T>;
  isHeld(key: string): boolean;
}

interface Queue {
  sharing: number;
  alone: boolean;
  readonly waiting: { readonly alone: boolean; readonly start: () => void }[];
}

export function sharedLock(): SharedLock {
  const queues = new Map<string, Queue>();

  const enter = (key: string, alone: boolean): Promise<void> => {
    const queue = queues.get(key) ?? { sharing: 0, alone: false, waiting: [] };
    queues.set(key, queue);
    return new Promise((resolve) => {
      queue.waiting.push({ alone, start: resolve });
      admit(queue);
    });
  };

  const leave = (key: string, alone: boolean): void => {
    const queue = queues.get(key);
    if (!queue) return;
    if (alone) queue.alone = false;
    else queue.sharing--;
    admit(queue);
    if (!queue.alone && queue.sharing === 0) queues.delete(key);
  };

  const run = async <T>(key: string, alone: boolean, action: () => Promise<T>): Promise<T> => {
    await enter(key, alone);
    try {
      return await action();
    } finally {
      leave(key, alone);
    }
  };

  return {
    shared: (key, action) => run(key, false, action),
    alone: (key, action) => run(key, true, action),
    isHeld: (key) => queues.has(key),
  };
}

function admit(queue: Queue): void {
  for (let [first] = queue.waiting; first; [first] = queue.waiting) {
    if (queue.alone || (first.alone && queue.sharing > 0)) return;
    queue.waiting.shift();
    if (first.alone) queue.alone = true;
    else queue.sharing++;
    first.start();
  }
}
