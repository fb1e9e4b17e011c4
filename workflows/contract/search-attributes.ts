// search-attributes.ts: what ops filter runs by in the Temporal UI. Keyword unless noted; never personal data, for
// search attributes are stored in clear.
import { defineSearchAttributeKey } from '@temporalio/common';

export const DunlinTenant = defineSearchAttributeKey('DunlinTenant', 'KEYWORD');
export const DunlinCustomer = defineSearchAttributeKey('DunlinCustomer', 'KEYWORD');
export const DunlinSegment = defineSearchAttributeKey('DunlinSegment', 'KEYWORD');
export const DunlinStage = defineSearchAttributeKey('DunlinStage', 'KEYWORD');
export const DunlinState = defineSearchAttributeKey('DunlinState', 'KEYWORD');
export const DunlinOutcome = defineSearchAttributeKey('DunlinOutcome', 'KEYWORD');
export const DunlinCurrency = defineSearchAttributeKey('DunlinCurrency', 'KEYWORD');
export const DunlinNextActionAt = defineSearchAttributeKey('DunlinNextActionAt', 'DATETIME');
export const DunlinOpenMinor = defineSearchAttributeKey('DunlinOpenMinor', 'INT');

/** Name and type of each, as `temporal operator search-attribute create` and the launcher need them. */
export const searchAttributes = {
  DunlinTenant: 'Keyword',
  DunlinCustomer: 'Keyword',
  DunlinSegment: 'Keyword',
  DunlinStage: 'Keyword',
  DunlinState: 'Keyword',
  DunlinOutcome: 'Keyword',
  DunlinCurrency: 'Keyword',
  DunlinNextActionAt: 'Datetime',
  DunlinOpenMinor: 'Int',
} as const;
