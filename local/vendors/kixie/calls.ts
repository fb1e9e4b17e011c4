// calls.ts: a call as Kixie's webhooks tell it. Field names are documented [1P*] 1.5, the values are constructed; empty text
// stands for "absent" and numbers may arrive as text, as in the documented samples.
import type { EpochMs } from '../../../domain/time.ts';

export type PlacedCall = {
  readonly uuid: string;
  /** The second name of a call: a number as text. */
  readonly number: string;
  readonly businessId: string;
  readonly phone: string;
  readonly agent: string;
  readonly startedAt: EpochMs;
  /** null when nobody picked up. */
  readonly answeredAt: EpochMs | null;
  readonly endedAt: EpochMs;
  readonly disposition: string;
  readonly note: string;
  readonly powerlistId: string;
  /** What the PowerList knew of the contact, echoed or not. */
  readonly contactId: string;
  readonly extraData: unknown;
};

export type CallEvent = 'startcall' | 'answeredcall' | 'endcall';
type Shown = { readonly label: string; readonly location: string; readonly echo: boolean };

const ours = '+13065550100';
const iso = (at: EpochMs | null): string => (at === null ? '' : new Date(at).toISOString());
const bare = (phone: string): string => phone.replace(/^\+/, '');

/** startcall, answeredcall and endcall: rooted in data.callDetails [1P*] 1.5.1. What has not happened yet is empty. */
export function callPayload(call: PlacedCall, event: CallEvent, { label, location, echo }: Shown): object {
  const ended = event === 'endcall';
  const answered = event !== 'startcall' && call.answeredAt !== null;
  const seconds = call.answeredAt === null ? 0 : Math.round((call.endedAt - call.answeredAt) / 1000);
  return {
    data: {
      hookevent: label,
      callDetails: {
        callid: call.uuid,
        externalid: call.number,
        businessid: call.businessId,
        calldate: iso(call.startedAt),
        answerDate: answered ? iso(call.answeredAt) : '',
        callEndDate: ended ? iso(call.endedAt) : '',
        ...numbers(call),
        // seconds here; the platform's CRM counts milliseconds [1P] 2.6
        duration: ended ? seconds : 0,
        amount: ended ? Math.round(seconds * 0.28) / 1000 : 0,
        calltype: 'outgoing',
        callstatus: answered ? 'answered' : ended ? 'missed' : '',
        disposition: ended ? (call.answeredAt === null ? 'not disposed' : 'Connected Call') : '',
        outcome: '',
        recordingurl: ended && call.answeredAt !== null ? `https://calls.kixie.example/${call.uuid}.mp3` : '',
        recordingsid: '',
        recordingduration: ended ? Math.max(0, seconds - 3) : 0,
        calleridName: '',
        fname: 'Alex',
        lname: 'Agent',
        email: call.agent,
        userid: '987',
        destinationName: call.powerlistId === '' ? '' : 'PowerList',
        source: call.powerlistId === '' ? 'API' : 'POWERLIST',
        extensionDial: '',
        toExt: '',
        fromExt: '',
        crmlink: '',
        contactid: echo ? call.contactId : '',
        dealid: '',
        externalcrmid: '',
        powerlistid: call.powerlistId,
        powerlistsessionid: '',
        cadenceactionprocessid: '',
        HScalltype: '',
        webhookurl: location,
        ...(echo && call.extraData ? { extraData: call.extraData } : {}),
      },
    },
  };
}

function numbers(call: PlacedCall): object {
  return {
    fromnumber: bare(ours),
    fromnumber164: ours,
    tonumber: bare(call.phone),
    tonumber164: call.phone,
    customerNumber: call.phone,
    businessNumber: ours,
  };
}

/** disposition: flat on data, and the two call ids change places [1P*] 1.5.2. */
export function dispositionPayload(call: PlacedCall, shown: { label: string; swapped: boolean; leak: boolean }): object {
  return {
    data: {
      hookevent: shown.label,
      callid: shown.swapped ? call.number : call.uuid,
      externalid: shown.swapped ? call.uuid : call.number,
      disposition: call.disposition,
      purpose: 'Collections',
      dispositionExternalid: '',
      purposeExternalid: '',
      subject: `Call with ${call.phone}`,
      note: call.note,
      callType: 'outgoing',
      userid: '987',
      phone: call.phone,
      timezone: 'America/Regina',
      businessid: call.businessId,
      callDetails: {},
      ...(shown.leak
        ? { activeCRM: { name: 'customcrm', username: 'crm-admin', password: 'not-for-your-eyes', token: 'crm-secret' } }
        : {}),
    },
  };
}

/** scheduledactivity: a call back, dated twice, with the numeric call id [1P*] 1.5.4. */
export function activityPayload(call: PlacedCall, shown: { label: string; at: EpochMs; leakedKey: string | null }): object {
  const when = new Date(shown.at).toISOString();
  return {
    data: {
      hookevent: shown.label,
      callid: call.number,
      externalid: call.uuid,
      subject: 'Call back',
      description: call.note,
      type: 'call',
      typename: 'Call',
      duration: '00:15',
      date: new Date(shown.at)
        .toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' })
        .replace(/ (\d{4})$/, ', $1'),
      dateformat: when.slice(0, 10),
      time: new Date(shown.at).toLocaleTimeString('en-US', { hour: 'numeric', minute: '2-digit', timeZone: 'UTC' }).toLowerCase(),
      timeformat: when.slice(11, 16),
      timezone: 'UTC',
      businessid: call.businessId,
      callDetails: { email: call.agent, ...numbers(call) },
      ...(shown.leakedKey === null ? {} : { apiKey: shown.leakedKey }),
    },
  };
}

/** SMS, both directions [1P*] 1.5.3. */
export function smsPayload(sms: {
  id: string;
  direction: 'incoming' | 'outgoing';
  phone: string;
  agent: string;
  message: string;
  at: EpochMs;
  businessId: string;
  label: string;
}): object {
  const [from, to] = sms.direction === 'incoming' ? [sms.phone, ours] : [ours, sms.phone];
  return {
    data: {
      hookevent: sms.label,
      messageid: sms.id,
      direction: sms.direction,
      from,
      customernumber: sms.phone,
      to,
      businessnumber: ours,
      message: sms.message,
      messageDate: iso(sms.at),
      businessid: sms.businessId,
      userid: '987',
      email: sms.agent,
      crmlink: '',
      contact: {
        contact: { firstName: '', lastName: '', name: '', phone: '', email: '', id: '', link: '' },
        deal: {},
        success: false,
        device: '',
      },
    },
  };
}
