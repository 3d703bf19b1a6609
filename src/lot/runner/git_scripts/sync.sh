# Brings the checkout in the present folder to the newest commit of a branch, once in a session's life.
# Arguments: remote, base branch, session branch (or ""), the settings of the author, 1 if Lot writes .env (else 0),
# the newest commit where it is known (or "").
# Prints: "name value" lines; after a NUL what is kept out of the diff so far; after a NUL `git status` as it was.
# Exit codes: 10 the remote failed; others are git's.
remote=$1 base=$2 branch=$3 author=$4 writes_env=$5 newest=$6
began=$EPOCHREALTIME

mark_env() {
	# A tracked .env is marked, so that neither `git status` nor `git commit --all` takes Lot's values for a change.
	if [ "$writes_env" = 1 ]; then
		git update-index --skip-worktree .env 2>/dev/null
		: >.git/lot/dotenv
	elif [ -e .git/lot/dotenv ]; then
		git update-index --no-skip-worktree .env 2>/dev/null
		rm -f .env .git/lot/dotenv
		git checkout --quiet -- .env 2>/dev/null
	fi
}

report() {
	printf 'old %s\nnew %s\nbegan %s\nfetched %s\nended %s\n' "$old" "$new" "$began" "$fetched" "$EPOCHREALTIME"
	printf 'locks %s\n\0' "${#locks[@]}"
	[ ! -e .git/lot/exclude ] || printf '%s\n' "$(<.git/lot/exclude)"
	printf '\0'
	[ ! -s .git/lot/status ] || cat .git/lot/status
	exit 0
}

fetch() {
	[ -n "$newest" ] && [ "$newest" = "$old" ] && found=$old && return
	find_remote "refs/heads/$base" && [ -n "$found" ] && [ "$found" = "$old" ] && return
	git fetch --quiet --no-tags --no-write-fetch-head --no-recurse-submodules -- "$remote" \
		"+refs/heads/$base:refs/remotes/origin/$base" || exit 10
	found=$(git rev-parse "refs/remotes/origin/$base") || exit
}

is_clean() {
	# `git status` lists tracked files first.
	local first=
	read -r -n 2 first <.git/lot/status
	[ -z "$first" ] || [ "$first" = '??' ]
}

move() {
	# Nothing to check out: the branch is made as git would, without a process.
	if [ "$old" = "$new" ] && [ -n "$branch" ] && [ -f .git/HEAD ] && is_clean &&
		printf '%s\n' "$new" 2>/dev/null >".git/refs/heads/$branch"; then
		printf 'ref: refs/heads/%s\n' "$branch" >.git/HEAD
		return
	fi
	local checkout=(git checkout --quiet --force --no-track -B "${branch:-$base}" "$new")
	"${checkout[@]}" || {
		rm -f .git/index # Damaged, or in the way; it is made anew.
		"${checkout[@]}" || exit
	}
}

if [ ! -d .git ]; then
	git clone --quiet --branch "$base" \
		--config core.checkStat=minimal --config core.trustctime=false \
		--config core.excludesFile="$PWD/.git/lot/exclude" --config include.path=lot/identity \
		--config "http.$remote.proxy=" -- "$remote" . || exit 10
	mkdir -p .git/lot .git/refs/heads/lot
fi
printf '%s' "$author" >.git/lot/identity

# Nothing else uses git in this folder while it is synced, so every lock is a dead process's.
shopt -s nullglob globstar
locks=(.git/*.lock .git/lot/*.lock .git/refs/**/*.lock)
[ ${#locks[@]} = 0 ] || rm -f -- "${locks[@]}"

if [ -e .git/lot/start ]; then
	read -r new <.git/lot/start
	old=$new fetched=$EPOCHREALTIME
	mark_env
	report
fi

git status --porcelain -z --no-renames --untracked-files=normal --ignore-submodules=dirty >.git/lot/status &
read_head
old=$head
fetch
new=$found fetched=$EPOCHREALTIME
wait
had_env=0
[ ! -e .git/lot/dotenv ] || had_env=1
[ "$had_env$writes_env" != 10 ] || mark_env
move
[ "$had_env$writes_env$old" = "11$new" ] || mark_env
[ -z "$branch" ] || printf '%s\n' "$new" >.git/lot/start
report
