/** The places of the console. What is not built is not here. */
import { Bot, Gauge, KeyRound, ListTree, type LucideIcon, Settings2, Webhook } from 'lucide-react';

export interface Place {
  readonly to: '/' | '/tasks' | '/agents' | '/deliveries' | '/keys' | '/settings';
  readonly name: string;
  /** After `g`. */
  readonly letter: string;
  readonly icon: LucideIcon;
  /** Its data is for the admin only. */
  readonly isForAdmin: boolean;
}

export const PLACES: readonly Place[] = [
  { to: '/', name: 'Overview', letter: 'o', icon: Gauge, isForAdmin: false },
  { to: '/tasks', name: 'Tasks', letter: 't', icon: ListTree, isForAdmin: false },
  { to: '/agents', name: 'Agents', letter: 'a', icon: Bot, isForAdmin: false },
  { to: '/deliveries', name: 'Deliveries', letter: 'd', icon: Webhook, isForAdmin: false },
  { to: '/keys', name: 'Keys', letter: 'k', icon: KeyRound, isForAdmin: true },
  { to: '/settings', name: 'Settings', letter: 's', icon: Settings2, isForAdmin: false },
];
