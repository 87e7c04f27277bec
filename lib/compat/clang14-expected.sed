# SPDX-License-Identifier: Apache-2.0
# Makes libstdc++ 12's <expected> fit for clang before 16, which cannot choose among destructors by their constraints
# (P0848) and says so in __cpp_concepts: the header opens to it, the defaulted destructor goes, the other one loses its
# constraint and serves every type.
s/__cpp_concepts >= 202002L/__cpp_concepts >= 201907L/
/constexpr ~expected() = default;/d
/constexpr ~expected()/,/{/{
    s/[[:space:]]*requires.*$//
    /^[[:space:]]*|| (!is_trivially_destructible_v<_Er>)[[:space:]]*$/d
}
