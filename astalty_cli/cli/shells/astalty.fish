# Completion of astalty for fish. As a file that fish loads itself:
#     astalty completion fish > ~/.config/fish/completions/astalty.fish

function __astalty_complete
    set -l typed (commandline -opc)
    set -l word (commandline -ct | string unescape)
    set -l found (command astalty __complete $typed[2..] "$word" 2>/dev/null)
    if test $status -eq 3
        __fish_complete_path "$word"
    else
        printf '%s\n' $found
    end
end

complete -c astalty -f -a '(__astalty_complete)'
