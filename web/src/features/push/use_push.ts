/** Push in this browser: how it stands, turned on and off, and the user's other devices. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { api } from "@/api/client";

import { bodyOf, readSupport, subscribe, unsubscribe } from "./browser_push";
import { pushState } from "./push_state";
import { pushKeys, pushQuery, subscribedQuery } from "./queries";

/** @param allow Asks the user for the browser's permission, where it was not asked yet. */
export function usePush(allow: () => Promise<void>) {
  const client = useQueryClient();
  const server = useQuery(pushQuery);
  const { data: isSubscribed = false } = useQuery(subscribedQuery);
  const onSettled = () => client.invalidateQueries({ queryKey: pushKeys.all });
  const current = server.data?.devices.find((one) => one.is_current);

  const change = useMutation({
    mutationFn: async (isWanted: boolean) => {
      if (isWanted) {
        await allow();
        const key = server.data?.public_key;
        if (readSupport().permission !== "granted" || !key) return;
        const made = await subscribe(key);
        await api.POST("/api/push/devices", { body: bodyOf(made) }).catch(async (error: unknown) => {
          await made.unsubscribe();
          throw error;
        });
      } else {
        await unsubscribe();
        if (current)
          await api.DELETE("/api/push/devices/{device}", { params: { path: { device: current.id } } });
      }
    },
    onSettled,
  });
  const remove = useMutation({
    mutationFn: async (id: string) => {
      if (id === current?.id) await unsubscribe();
      await api.DELETE("/api/push/devices/{device}", { params: { path: { device: id } } });
    },
    onSettled,
  });

  return {
    state: pushState(readSupport(), server.data?.is_on ?? null, isSubscribed, current !== undefined),
    server,
    change,
    remove,
  };
}
