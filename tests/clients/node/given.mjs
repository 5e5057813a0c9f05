// What a client's process is given: where to send, its key, and what to say (see calls.py).
export const HOST = process.env.HOST;
export const KEY = process.env.KEY;
export const CALLS = JSON.parse(process.env.CALLS);
