"""Remove what nobody needs: facts, plan, new index, deletion."""
