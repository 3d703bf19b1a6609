# Shared by diff.sh and publish.sh: an index of our own that holds the whole content of the workspace.
injected=()
[ ! -e .git/lot/dotenv ] || injected=(':(top,exclude,literal).env')

take_content() {
	local said line
	export GIT_INDEX_FILE=$PWD/.git/lot/index
	[ ! -e "$GIT_INDEX_FILE.lock" ] || rm -f "$GIT_INDEX_FILE.lock"
	# With its time: git compares the times of files with that of the index to know which ones to read again.
	cp -p .git/index "$GIT_INDEX_FILE" 2>/dev/null || git read-tree HEAD || return
	# Files that cannot be read, and repositories without a commit, are left out.
	said=$(git add --all --ignore-errors -- . "${injected[@]}" 2>&1)
	[ -n "$said" ] || return 0
	while IFS= read -r line; do
		case $line in
		'warning: adding embedded git repository: '*)
			# A repository inside the workspace that is no submodule: others could not get its content.
			git update-index --force-remove -- "${line#*repository: }"
			;;
		fatal:*)
			printf '%s\n' "$said" >&2
			return 1
			;;
		esac
	done <<<"$said"
}
