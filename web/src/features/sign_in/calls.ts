/** Signing in, as the server knows it. */
import { api, read } from "@/api/client";

export const signInKey = ["sign-in"] as const;

/** Whether the caller is signed in, and how one may sign in. */
export const readSignIn = () => read(api.GET("/api/sign-in"));

export const signIn = (name: string, password: string) =>
  read(api.POST("/api/sign-in", { body: { name, password } }));

/** Whom a one-time link lets in; null: whoever uses it chooses a name and a password. */
export const checkLink = (link: string) => read(api.POST("/api/sign-in/link/check", { body: { link } }));

export const enterByLink = (link: string, who: { name?: string; password?: string }) =>
  read(api.POST("/api/sign-in/link", { body: { link, ...who } }));

export const signOut = () => read(api.POST("/api/sign-out"));
