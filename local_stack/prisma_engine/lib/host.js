'use strict';
// Keeps an engine at work: one that has trapped is replaced, and whoever waited for its answer is told.
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { EXIT_PANIC, EngineError, UNREACHABLE, errorBody, refused } = require('./errors');

/** A thread with an engine that is connected. Rejects with an EngineError if it cannot connect. */
function startWorker(options) {
  const worker = new Worker(path.join(__dirname, 'worker.js'), { workerData: options });
  return new Promise((resolve, reject) => {
    worker.once('message', ({ failed }) =>
      failed ? reject(new EngineError(failed.code, failed.message)) : resolve(worker),
    );
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the engine ended while it started')));
  });
}

class EngineHost {
  /** `options` are `Engine.open`'s, without its log. */
  static async open(options, log) {
    const host = new EngineHost(options, log);
    await host.#start();
    return host;
  }

  constructor(options, log) {
    Object.assign(this, { options, log, waiting: new Map(), lastId: 0 });
  }

  #start() {
    this.started = startWorker(this.options).then((worker) => {
      worker.on('message', ({ id, text }) => this.#settle(id, text));
      worker.on('exit', () => this.#replace());
      worker.on('error', (error) => this.log(error.stack)); // `exit` follows
      return worker;
    });
    return this.started;
  }

  /** The engine's answer to one of its methods, as JSON text. */
  async call(method, ...parameters) {
    const worker = await this.started;
    const id = ++this.lastId;
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      worker.postMessage({ id, method, parameters });
    });
  }

  #settle(id, text) {
    this.waiting.get(id)?.(text);
    this.waiting.delete(id);
  }

  #replace() {
    this.log('the engine has ended; a fresh one takes its place');
    this.#tellThoseWhoWait();
    this.#start().catch((error) => {
      this.log(error.message);
      process.exit(EXIT_PANIC); // whoever started this process starts another
    });
  }

  /** What waited alone has ended the engine, and would do so again. Of several, most can be asked again. */
  #tellThoseWhoWait() {
    const why = 'the query engine ended while it worked on it';
    const again = new EngineError(UNREACHABLE, `Can't reach database server: ${why}`);
    const error = this.waiting.size === 1 ? refused(why) : again;
    for (const id of [...this.waiting.keys()]) this.#settle(id, JSON.stringify(errorBody(error)));
  }
}

module.exports = { EngineHost };
