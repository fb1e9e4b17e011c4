// messages.ts: the signals and queries of a dunning run. One object each, so that fields can be added.
import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { PaymentSignal } from './types.ts';

/** A payment arrived. With `eventId` alone it is a hint that the store knows more. */
export const paymentReceived = defineSignal<[{ eventId: string } & Partial<PaymentSignal>]>('paymentReceived');
/** Something about this case changed in the store: hold, release, amendment, review, call outcome. */
export const factsChanged = defineSignal<[{ eventId: string; what?: string }]>('factsChanged');
/** What the run is waiting for, in a sentence. */
export const whatNow = defineQuery<{ because: string; story: string; stepsTaken: number }>('whatNow');
