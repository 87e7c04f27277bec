# SPDX-License-Identifier: Apache-2.0
# Completion for bash; needs nothing but bash itself.

_candorctl() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} i words= options=--help path=
    # "--level=x" comes as three words.
    if [[ $current == '=' ]]; then
        current=
    elif [[ $previous == '=' ]]; then
        previous=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    COMPREPLY=()

    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            --) [[ $path == inhibit ]] || return 0
                # What follows is another command's own.
                if ((i + 1 == COMP_CWORD)); then
                    mapfile -t COMPREPLY < <(compgen -c -- "$current")
                elif declare -F _command_offset > /dev/null; then
                    _command_offset $((i + 1))
                else
                    compopt -o filenames 2> /dev/null
                    mapfile -t COMPREPLY < <(compgen -f -- "$current")
                fi
                return 0 ;;
            status | devices | identity | notice | consent | my-data | pause | resume | inhibit | audit | policy | enable | disable)
                [[ -n $path ]] || path=${COMP_WORDS[i]} ;;
            show | grant | revoke | list | export | delete)
                [[ $path != consent && $path != my-data ]] || path+=" ${COMP_WORDS[i]}" ;;
            verify) [[ $path != audit ]] || path+=" verify" ;;
            check | reload) [[ $path != policy ]] || path+=" ${COMP_WORDS[i]}" ;;
        esac
    done

    case $previous in
        --level) words="counts activity rhythm actions full" ;;
        --devices)
            # After a comma, the rest of the list.
            local before=
            [[ $current != *,* ]] || before=${current%,*},
            words="${before}keyboard ${before}mouse ${before}touchpad ${before}touchscreen ${before}tablet"
            compopt -o nospace 2> /dev/null ;;
        --until | --days | --from | --to | --who | --why) return 0 ;;
        *) case $path in
            '') words="status devices identity notice consent my-data pause resume inhibit audit policy enable disable"
                options="--help --version" ;;
            status | devices | identity | 'consent show' | 'my-data list' | 'audit verify') options="--json --help" ;;
            consent) words="show grant revoke" ;;
            'consent grant') options="--level --devices --until --days --yes --help" ;;
            'consent revoke') options="--erase --help" ;;
            my-data) words="list show export delete" ;;
            'my-data show') options="--from --to --events --json --help" ;;
            'my-data export') options="--from --to --force --help"
                if [[ $current != -* ]]; then
                    compopt -o filenames 2> /dev/null
                    mapfile -t COMPREPLY < <(compgen -f -- "$current")
                    return 0
                fi ;;
            'my-data delete') options="--from --to --all --yes --help" ;;
            pause) words="5min 15min 1h 1d" ;;
            inhibit) options="-- --who --why --help" ;;
            audit) words="verify" options="--all --json --help" ;;
            policy) words="check reload" ;;
            'policy check')
                if [[ $current != -* ]]; then
                    compopt -o filenames 2> /dev/null
                    mapfile -t COMPREPLY < <(compgen -f -- "$current")
                    return 0
                fi ;;
        esac ;;
    esac
    [[ -n $words && $current != -* ]] || words=$options
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _candorctl candorctl
