# Commits the content of the workspace and pushes it to the session's branch, as a step forwards from what is there.
# Arguments: remote, base commit, branch, title, trailer of the message. Author and committer are in the environment.
# Prints: the branch's commit, and 1 if the push changed it (else 0).
# Exit codes: 10 the remote failed, 11 there is nothing to publish, 12 the push was refused; others are git's.
remote=$1 base=$2 branch=$3 title=$4 trailer=$5

take_content || exit
find_remote "refs/heads/$branch" || exit 10
there=$found
if [ -n "$there" ] && ! git cat-file -e "$there^{commit}" 2>/dev/null; then
	git fetch --quiet --no-tags --no-write-fetch-head -- "$remote" "refs/heads/$branch" || exit 10
fi
line=${there:-$base}
read_head
head=${head:-$line}

# Which commits become public: those that HEAD adds, unless one of them holds injected values.
leaks=
[ ${#injected[@]} = 0 ] ||
	leaks=$(git rev-list -1 --full-history "$head" --not "$line" "$base" --remotes=origin -- .env) || exit
if [ -n "$leaks" ]; then
	parents=("$line")
elif git merge-base --is-ancestor "$line" "$head"; then
	parents=("$head")
elif git merge-base --is-ancestor "$head" "$line"; then
	parents=("$line")
else
	# Rewritten, or another line of work: both are kept, and the branch moves forwards.
	parents=("$line" "$head")
fi
from=${parents[-1]}

if [ ${#injected[@]} != 0 ]; then
	entry=$(git ls-tree "$from" -- .env)
	if [ -n "$entry" ]; then
		git update-index --index-info <<<"$entry" || exit
	else
		git update-index --force-remove -- .env || exit
	fi
fi
tree=$(git write-tree) || exit
unset GIT_INDEX_FILE

if [ "$tree" = "$(git rev-parse "$line^{tree}")" ]; then
	[ -n "$there" ] || exit 11
	printf '%s 0\n' "$there"
	exit 0
fi
if [ "${#parents[@]}" = 1 ] && [ "$tree" = "$(git rev-parse "$from^{tree}")" ]; then
	tip=$from
else
	tip=$(git commit-tree "$tree" "${parents[@]/#/-p}" -m "$title" -m "$trailer") || exit
fi
git push --quiet --no-verify -- "$remote" "$tip:refs/heads/$branch" || exit 12

# The work is safe; the checkout follows. It may be in use just now, which harms nothing: the next call sorts it out.
if git reset --quiet --mixed "$tip" >&2 && [ ${#injected[@]} != 0 ]; then
	git update-index --skip-worktree .env 2>/dev/null
fi
printf '%s 1\n' "$tip"
